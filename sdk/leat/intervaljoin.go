package leat

import (
	"errors"
	"fmt"
	"time"

	"github.com/leatflow/leat/sdk/graph"
)

// IntervalJoin calls f for each pair of a row of a and a row of b with an equal key,
// the row of b being from lower to upper after the row of a in event time, both bounds
// included, and takes what it returns:
//
//	a            t
//	b    ──┤─────┼────────┤──▶ time        lower −2 s, upper 3 s
//	     t−2 s          t+3 s
//
// Windows do not matter. A result has the later of both times. To exclude a bound,
// move it by a microsecond, which is the unit of event time. A key with a null in it
// is equal to none. f may be called from several goroutines at once.
//
// On the streaming plan a pair comes as soon as both rows are there, and a row is kept
// as long as the watermark allows one that it belongs to. A row behind the watermark is
// dropped and counted.
func IntervalJoin[K comparable, A, B, R any](a PCollection[KV[K, A]], b PCollection[KV[K, B]], name string, lower, upper time.Duration, f func(K, A, B) R) PCollection[R] {
	s := a.begin(name)
	if bothSides(s, a, b) {
		s.check(errors.Join(timed(1, a.edge), timed(2, b.edge)))
	}
	s.check(bounds(lower, upper))
	op := &graph.Join{Match: graph.Interval, Lower: lower.Microseconds(), Upper: upper.Microseconds()}
	return joined(s, op, a, b, f == nil, func(k K, a *A, b *B) R { return f(k, *a, *b) })
}

// bounds checks the bounds of an interval.
func bounds(lower, upper time.Duration) error {
	if lower > upper {
		return fmt.Errorf("the interval from %s to %s is empty; lower must not be above upper", lower, upper)
	}
	for _, d := range []time.Duration{lower, upper} {
		if d%time.Microsecond != 0 {
			return fmt.Errorf("the bound %s is no whole number of microseconds, the unit of event time", d)
		}
	}
	return nil
}
