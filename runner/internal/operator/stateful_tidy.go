package operator

import "github.com/leatflow/leat/sdk/batch"

// tidying is when a stateful function was last searched for state that is over:
// cells whose time to live has ended, and, in the global window, keys with nothing
// in their cells. Both look at all keys, so each is done when it has become worth
// it: half a time to live later, or when there are twice as many keys.
type tidying struct {
	ttl              int64 // the shortest; 0: cells live for ever
	watermark, clock int64 // when cells were looked at
	keys             int   // that were left
}

// keysFew is how many keys are not worth a search.
const keysFew = 1024

// tidy forgets what is over. It is called between calls of the function.
func (o *stateful) tidy() {
	t := &o.tidying
	if t.ttl > 0 && (o.watermark >= t.watermark+t.ttl/2 || o.clock >= t.clock+t.ttl/2) {
		t.watermark, t.clock = max(o.watermark, batch.MinTime), o.clock
		o.fn.Age(o.watermark, o.clock)
	} else if !o.global || o.keys.Live() < 2*t.keys+keysFew {
		return
	}
	if o.global {
		o.releaseEmpty()
	}
}

// releaseEmpty forgets the keys that have neither state nor timers.
func (o *stateful) releaseEmpty() {
	var empty []int32
	for _, id := range o.keys.IDs() {
		if o.fn.Empty(id) && !o.timers.Any(id) {
			empty = append(empty, id)
			o.timers.Drop(id)
		}
	}
	o.keys.Release(empty)
	o.tidying.keys = o.keys.Live()
}
