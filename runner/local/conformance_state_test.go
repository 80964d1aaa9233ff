package local_test

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/state"
	"github.com/leatflow/leat/sdk/window"
)

func init() {
	for name, build := range map[string]func(b *beamRun){
		"state_value":       stateful(func() keyedFn { return &stateValue{} }),
		"state_value_clear": stateful(func() keyedFn { return &stateClear{} }),
		"state_bag":         stateful(func() keyedFn { return &stateBag{} }),
		"state_bag_clear":   stateful(func() keyedFn { return &stateBagClear{} }),
		"state_bag_blind":   stateful(func() keyedFn { return &stateBagBlind{} }),
		"timer_eow":         stateful(func() keyedFn { return &timerAtEnd{} }),
		"timer_at":          statefulAt(func() keyedFn { return &timerAt{} }),
		"timer_tags":        statefulAt(func() keyedFn { return &timerTags{} }),
		"timer_clear":       stateful(func() keyedFn { return &timerAt{quiet: true} }),
		"timer_out_ts":      statefulAt(func() keyedFn { return &timerOutput{} }),
		"timer_hold":        timerHold,
		"timer_loop":        statefulAt(func() keyedFn { return &timerLoop{} }),
		"multi_stage":       multiStage,
	} {
		pipelineOf[name] = build
	}
}

type keyedElement = leat.KV[string, element]

type keyedFn interface {
	Process(c *leat.Context, in keyedElement, emit leat.Emit[string]) error
}

func (b *beamRun) byKey() leat.PCollection[keyedElement] {
	return windowed(b, leat.KeyBy(b.input(), "by-key", field.Of(keyOfElement)))
}

// stateful is a pipeline of one stateful function.
func stateful(fn func() keyedFn) func(b *beamRun) {
	return func(b *beamRun) { b.write(leat.ParDo(b.byKey(), "stateful", leat.DoFn[keyedElement, string](fn()))) }
}

// statefulAt is stateful with the times and windows of what comes out.
func statefulAt(fn func() keyedFn) func(b *beamRun) {
	return func(b *beamRun) {
		b.write(located(leat.ParDo(b.byKey(), "stateful", leat.DoFn[keyedElement, string](fn())), "located", window.Global()))
	}
}

type stateValue struct{ Next state.Value[int64] }

func (d *stateValue) Process(_ *leat.Context, in keyedElement, emit leat.Emit[string]) error {
	i, ok := d.Next.Read()
	if !ok {
		i = 1
	}
	d.Next.Write(i + 1)
	emit(fmt.Sprintf("%s: %d", in.Key, i))
	return nil
}

type stateClear struct{ One state.Value[int64] }

func (d *stateClear) Process(_ *leat.Context, in keyedElement, emit leat.Emit[string]) error {
	i, ok := d.One.Read()
	if ok {
		d.One.Clear()
	} else {
		d.One.Write(1)
	}
	emit(fmt.Sprintf("%s: %d,%t", in.Key, i, ok))
	return nil
}

type stateBag struct{ Bag state.List[int64] }

func (d *stateBag) Process(_ *leat.Context, in keyedElement, emit leat.Emit[string]) error {
	emit(fmt.Sprintf("%s: %d", in.Key, addedUp(d.Bag.Read())))
	d.Bag.Append(1)
	return nil
}

type stateBagClear struct{ Bag state.List[int64] }

func (d *stateBagClear) Process(_ *leat.Context, in keyedElement, emit leat.Emit[string]) error {
	sum := addedUp(d.Bag.Read())
	d.Bag.Append(1)
	if sum == 3 {
		d.Bag.Clear()
	}
	emit(fmt.Sprintf("%s: %d", in.Key, sum))
	return nil
}

type stateBagBlind struct{ Bag state.List[int64] }

func (d *stateBagBlind) Process(_ *leat.Context, in keyedElement, emit leat.Emit[string]) error {
	d.Bag.Append(1)
	emit(fmt.Sprintf("%s: %d", in.Key, addedUp(d.Bag.Read())))
	d.Bag.Append(1)
	return nil
}

func atMillis(ms int64) time.Time { return time.UnixMicro(micros(ms)).UTC() }

type timerAtEnd struct {
	Key state.Key[string]
	End state.EventTimer
}

func (d *timerAtEnd) Process(c *leat.Context, in keyedElement, emit leat.Emit[string]) error {
	_, end, ok := c.Window()
	if !ok { // the global one
		end = time.UnixMicro(batch.MaxTime).UTC()
	}
	d.End.Set(end.Add(-time.Microsecond))
	emit(fmt.Sprintf("%s:%d", in.Key, in.Value.V+5000))
	return nil
}

func (d *timerAtEnd) OnTimer(_ *leat.Context, emit leat.Emit[string]) error {
	emit(d.Key.Get() + ":timer")
	return nil
}

// timerAt sets a timer to a positive value and clears it for a negative one.
type timerAt struct {
	quiet bool
	Timer state.EventTimer
}

func (d *timerAt) Process(_ *leat.Context, in keyedElement, emit leat.Emit[string]) error {
	if in.Value.V < 0 {
		d.Timer.Clear()
		return nil
	}
	d.Timer.Set(atMillis(in.Value.V))
	if !d.quiet {
		emit("set")
	}
	return nil
}

func (d *timerAt) OnTimer(_ *leat.Context, emit leat.Emit[string]) error {
	emit("fired")
	return nil
}

type timerTags struct{ Timers state.EventTimers }

func (d *timerTags) Process(_ *leat.Context, in keyedElement, _ leat.Emit[string]) error {
	d.Timers.Set("t1", atMillis(in.Value.V))
	d.Timers.Set("t2", atMillis(in.Value.V+10))
	return nil
}

func (d *timerTags) OnTimer(_ *leat.Context, emit leat.Emit[string]) error {
	tag, _, ok := d.Timers.Fired()
	if !ok {
		return fmt.Errorf("OnTimer was called for no timer")
	}
	emit(tag)
	return nil
}

type timerOutput struct{ Timer state.EventTimer }

func (d *timerOutput) Process(*leat.Context, keyedElement, leat.Emit[string]) error {
	d.Timer.SetWithOutput(atMillis(1000), atMillis(500))
	return nil
}

func (d *timerOutput) OnTimer(_ *leat.Context, emit leat.Emit[string]) error {
	emit("fired")
	return nil
}

// timerHold counts what a timer puts out, by key, in windows of 100 ms.
func timerHold(b *beamRun) {
	fn := window.Fixed(millis(100))
	fired := leat.ParDo(b.byKey(), "stateful", leat.DoFn[keyedElement, string](&timerOutput{}))
	same := leat.KeyBy(leat.Window(fired, fn), "same", field.Of(func(s *string) *string { return s }))
	counts := leat.Combine(same, "count", agg.Into(func(_ *string, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} }))
	b.write(located(leat.Map(counts, "text", func(kv leat.KV[string, int64]) string { return fmt.Sprint("count=", kv.Value) }), "located", fn))
}

type timerLoop struct {
	Left  state.Value[int64]
	Timer state.EventTimer
}

func (d *timerLoop) Process(_ *leat.Context, in keyedElement, _ leat.Emit[string]) error {
	d.Left.Write(in.Value.V)
	d.Timer.Set(atMillis(10))
	return nil
}

func (d *timerLoop) OnTimer(_ *leat.Context, emit leat.Emit[string]) error {
	emit("tick")
	left := d.Left.Get() - 1
	d.Left.Write(left)
	if at, _ := d.Timer.Fired(); left > 0 {
		d.Timer.Set(at.Add(millis(10)))
	}
	return nil
}

// joined appends what it gets to a text, which it emits at 100 s.
type joined struct {
	Text  state.Value[string]
	Timer state.EventTimer
}

func (d *joined) Process(_ *leat.Context, in leat.KV[int64, string], _ leat.Emit[string]) error {
	all := d.Text.Get()
	if all != "" {
		all += ","
	}
	d.Text.Write(all + in.Value)
	d.Timer.Set(atMillis(100_000))
	return nil
}

func (d *joined) OnTimer(_ *leat.Context, emit leat.Emit[string]) error {
	emit(d.Text.Get())
	return nil
}

// multiStage shows that steps further down see a watermark only when what it has
// caused further up has come to them.
func multiStage(b *beamRun) {
	in := leat.Map(b.input(), "text", func(e element) string { return e.K })
	groups := leat.GroupByKey(leat.KeyBy(leat.Window(in, window.Fixed(millis(1000))), "itself", field.Of(func(s *string) *string { return s })), "group")
	upper := leat.FlatMap(groups, "upper", func(kv leat.KV[string, iter.Seq[string]]) iter.Seq[string] {
		return func(yield func(string) bool) {
			for s := range kv.Value {
				if !yield(strings.ToUpper(s)) {
					return
				}
			}
		}
	})
	both := leat.Flatten(leat.Window(in, window.Global()), leat.Window(upper, window.Global()))
	one := leat.KeyBy(both, "one", field.Func(func(string) int64 { return 1 }))
	b.write(leat.ParDo(one, "joined", leat.DoFn[leat.KV[int64, string], string](&joined{})))
}
