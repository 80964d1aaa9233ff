package command

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// pacing has the collector run sooner on a large heap than when it has doubled, as
// long as that costs next to nothing: columns hold no pointers, so a collection of
// gigabytes of them takes milliseconds, while as many gigabytes of garbage take
// memory, and their first touch time.
//
//	live heap         up to 256 MiB   1 GiB   more
//	may grow by             100 %      25 %    25 %      of itself
//
// Where the collector takes more than a fiftieth of the time, because the heap is
// full of a user's maps and pointers, growth goes back to 100 %.
type pacing struct {
	percent int
	samples []metrics.Sample
}

const (
	paceLeast = 25
	paceLive  = 256 << 20 // a heap that may double
	paceCost  = 0.02
)

// pace begins it. What runs after each collection is the finalizer of an object that
// nobody needs.
func pace() {
	p := &pacing{percent: 100, samples: []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/total:cpu-seconds"},
		{Name: "/cpu/classes/idle:cpu-seconds"},
	}}
	runtime.SetFinalizer(&collected{p}, after)
}

type collected struct{ pacing *pacing }

func after(c *collected) {
	p := c.pacing
	metrics.Read(p.samples)
	live, busy := p.samples[0].Value.Uint64(), p.samples[1].Value.Float64()
	total := p.samples[2].Value.Float64() - p.samples[3].Value.Float64()
	if next := p.next(int64(live), busy, total); next != p.percent {
		p.percent = next
		debug.SetGCPercent(next)
	}
	runtime.SetFinalizer(&collected{p}, after)
}

// next returns by how much of itself a heap may grow that is so large, when the
// collector and all together have taken so many CPU seconds.
func (p *pacing) next(live int64, busy, total float64) int {
	fits := int(min(100, max(paceLeast, 100*paceLive/max(live, 1))))
	if busy > paceCost*total {
		return min(100, max(fits, 2*p.percent))
	}
	return max(fits, p.percent/2)
}
