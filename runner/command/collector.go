package command

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Batches make much garbage and, as a rule, little live heap: collecting at 100 %
// costs up to a third of the processor time. Joins and indexes do hold a live
// heap, and four times that again as garbage would be most of the machine. So the
// garbage allowed is a fixed amount as far as it goes:
//
//	live heap      64 MB   256 MB   1 GB
//	garbage       256 MB   256 MB   1 GB       between 100 % and 400 % of what is live
const (
	garbageBytes   = 256 << 20
	percentHighest = 400
	percentLowest  = 100
)

// paceCollector sets the collector's target now and after every collection.
func paceCollector() {
	debug.SetGCPercent(percentHighest)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	// A finalizer runs after the collection that finds its object dead.
	type beacon struct{ self *int }
	var after func(*beacon)
	after = func(*beacon) {
		metrics.Read(live)
		if live[0].Value.Kind() != metrics.KindUint64 {
			return
		}
		debug.SetGCPercent(percentFor(live[0].Value.Uint64()))
		runtime.SetFinalizer(&beacon{new(int)}, after)
	}
	runtime.SetFinalizer(&beacon{new(int)}, after)
}

// percentFor returns GOGC for so many bytes of live heap.
func percentFor(live uint64) int {
	return int(min(percentHighest, max(percentLowest, garbageBytes*100/max(live, 1))))
}
