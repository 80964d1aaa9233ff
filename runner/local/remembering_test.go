package local_test

import (
	"fmt"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/state"
	"github.com/leatflow/leat/sdk/window"
)

// remembering is a stateful function that does not depend on the order in which rows
// arrive: it adds up the rows of a key and says the sum when its state goes. A timer
// a bucket of four seconds fires once for the rows in it, and sets another.
//
//	rows    x  x   │     x │       │
//	bucket  ───────┤◀──────┤◀──────┤   at its end, and again three seconds later
type remembering struct {
	Key   state.Key[string]
	Sum   state.Value[int64]
	Seen  state.List[int64]
	Tick  state.EventTimers
	Timed bool
}

const (
	bucket     = 4 * time.Second
	afterwards = 3 * time.Second
)

// Process implements leat.DoFn.
func (r *remembering) Process(c *leat.Context, in leat.KV[string, record], _ leat.Emit[record]) error {
	r.Sum.Write(r.Sum.Get() + in.Value.N)
	r.Seen.Append(in.Value.N)
	if r.Timed {
		end := bucketEnd(c.Time())
		r.Tick.Set(fmt.Sprint(end.Unix()), end)
	}
	return nil
}

func bucketEnd(t time.Time) time.Time {
	us := t.UnixMicro()
	size := bucket.Microseconds()
	return time.UnixMicro(us - ((us%size)+size)%size + size).UTC()
}

// OnTimer is called for a timer of either kind.
func (r *remembering) OnTimer(c *leat.Context, emit leat.Emit[record]) error {
	tag, at, ok := r.Tick.Fired()
	if !ok {
		return fmt.Errorf("a timer has fired that is none")
	}
	again := tag[0] == '+'
	emit(ticked(r.Key.Get(), at, again))
	if !again {
		r.Tick.Set("+"+tag, at.Add(afterwards))
	}
	return nil
}

func ticked(k string, at time.Time, again bool) record {
	out := record{K: k, N: 1, At: at}
	if again {
		out.N = 2
	}
	return out
}

// OnExpiry is called when the state goes.
func (r *remembering) OnExpiry(_ *leat.Context, emit leat.Emit[record]) error {
	emit(remembered(r.Key.Get(), r.Sum.Get(), r.Seen.Len()))
	return nil
}

func remembered(k string, sum int64, rows int) record {
	return record{K: k, N: sum % 1000, F: float64(rows), At: time.Unix(0, 0).UTC()}
}

func (g *generator) stateful(in flow) (flow, bool) {
	if in.fn.Kind() == window.KindSession && !in.grouped {
		return in, false
	}
	global := in.fn.Kind() == window.KindGlobal
	fn := &remembering{Timed: global && !in.far && !in.grouped}
	byK := leat.KeyBy(in.coll, g.name("key"), field.Of(func(e *record) *string { return &e.K }))
	out := in.grouping(leat.ParDo(byK, g.name("stateful"), fn))
	out.rows = group(in, func(r record) string { return r.K }, func(rows []naive, _ window.Interval) record {
		var sum int64
		for _, n := range rows {
			sum += n.row.N
		}
		return remembered(rows[0].row.K, sum, len(rows))
	})
	if global && !in.grouped {
		out.grouped = false // state for ever puts rows into no window
		for i := range out.rows {
			out.rows[i] = naive{row: out.rows[i].row, t: batch.MaxTime - 1}
		}
	}
	if fn.Timed {
		ticks := make(map[record]bool)
		for _, n := range in.rows {
			end := bucketEnd(time.UnixMicro(n.t))
			ticks[ticked(n.row.K, end, false)], ticks[ticked(n.row.K, end.Add(afterwards), true)] = true, true
		}
		for tick := range ticks {
			out.rows = append(out.rows, naive{row: tick, t: tick.At.UnixMicro()})
		}
	}
	g.add(out)
	return in, true
}
