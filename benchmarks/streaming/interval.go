package main

import (
	"time"

	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
)

// near is how far apart the events of a pair are at the most: about one pair for each
// event of the input.
const near = 30 * time.Microsecond

// Pair is an event of a low value with one of a high value near it.
type Pair struct {
	Key  int64 `leat:"key"`
	Low  int64 `leat:"low"`
	High int64 `leat:"high"`
}

// interval joins events of low values, half of all, with those of high values.
func interval(in leat.PCollection[Event], out *checksum) {
	low := leat.Where(in, "low", func(e *Event) field.Cond { return field.AtMost(&e.Value, valueCount/2-1) })
	high := leat.Where(in, "high", func(e *Event) field.Cond { return field.AtLeast(&e.Value, valueCount/2) })
	byKey := field.Of(func(e *Event) *int64 { return &e.Key })
	pairs := leat.IntervalJoin(leat.KeyBy(low, "low-by-key", byKey), leat.KeyBy(high, "high-by-key", byKey), "near", -near, near,
		func(key int64, a, b Event) Pair { return Pair{key, a.Value, b.Value} })
	leat.Write(pairs, "out", out)
}
