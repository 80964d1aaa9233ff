package operator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/runner/internal/trigger"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// naive says what a triggered grouping must give, one row after the other, with a
// list of values for each key and window and nothing that is done for speed. The
// state machines of triggers are tested by themselves.
type naive struct {
	w         graph.Windowing
	machine   *trigger.Machine
	cells     []*naiveCell
	watermark int64
	now       int64
	panes     []gotPane
	late      []int64
	holds     []int64 // Hold after each event
}

type naiveCell struct {
	window.Interval
	key           string
	all, fresh    []int64
	state         []int64
	closed, held  bool
	times         []int64 // of rows that were not behind the watermark
	index, spoken int32
	timing        batch.Timing
	shown         []gotPane
}

func newNaive(w graph.Windowing) *naive {
	return &naive{w: w, machine: trigger.New(w.Strategy.Trigger), watermark: batch.MinTime}
}

func (n *naive) row(e element) {
	t := e.TS
	windows, _ := n.w.Fn.Assign(t, nil)
	took := len(windows) == 0
	for _, w := range windows {
		c := n.cell(e.K, w)
		if c == nil || c.closed {
			continue
		}
		took = true
		ended := c.End <= n.watermark
		c.all, c.fresh = append(c.all, e.V), append(c.fresh, e.V)
		c.held = c.held || !ended
		if !ended && t >= n.watermark {
			c.times = append(c.times, t)
		}
		at := trigger.Moment{Ended: ended, Now: n.now}
		n.machine.Row(c.state, at)
		n.try(c, at, false)
	}
	if !took {
		n.late = append(n.late, e.V)
	}
}

// cell finds the cell for a row that claims w, merging sessions; nil when it is too
// late.
func (n *naive) cell(key string, w window.Interval) *naiveCell {
	lateness := n.w.Strategy.LatenessMicros()
	var found []*naiveCell
	for _, c := range n.cells {
		if c.key == key && (c.Interval == w || n.w.Fn.Kind() == window.KindSession && c.Start < w.End && w.Start < c.End) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b *naiveCell) int { return int(a.Start - b.Start) })
	for _, c := range found {
		w.Start, w.End = min(w.Start, c.Start), max(w.End, c.End)
	}
	if w.End+lateness <= n.watermark {
		return nil
	}
	if len(found) == 0 {
		c := &naiveCell{Interval: w, key: key, state: make([]int64, n.machine.Words())}
		n.machine.Reset(c.state)
		n.cells = append(n.cells, c)
		return c
	}
	first := found[0]
	grown := first.End != w.End
	if ended := first.End <= n.watermark; len(found) > 1 || grown && ended {
		n.join(first, found[1:], w)
	}
	first.Interval = w
	return first
}

func (n *naive) join(first *naiveCell, others []*naiveCell, w window.Interval) {
	parts := [][]int64{first.state}
	for _, c := range others {
		parts = append(parts, c.state)
		if !c.closed {
			first.all, first.fresh = append(first.all, c.all...), append(first.fresh, c.fresh...)
		}
		first.times, first.shown = append(first.times, c.times...), append(first.shown, c.shown...)
		first.held = first.held || c.held
		first.index, first.spoken, first.timing = max(first.index, c.index), max(first.spoken, c.spoken), max(first.timing, c.timing)
		n.cells = slices.DeleteFunc(n.cells, func(x *naiveCell) bool { return x == c })
	}
	n.machine.Merge(first.state, parts, w.End <= n.watermark)
	if first.closed = n.machine.Closed(first.state); first.closed {
		first.shut()
	}
}

func (c *naiveCell) shut() {
	c.closed, c.held = true, false
	c.all, c.fresh, c.times, c.shown = nil, nil, nil, nil
}

func (n *naive) try(c *naiveCell, at trigger.Moment, passing bool) {
	if c.closed || !n.machine.Ready(c.state, at) {
		return
	}
	n.machine.Fire(c.state, at)
	last := n.machine.Closed(c.state)
	n.pane(c, passing, last)
	if last {
		c.shut()
	}
}

func (n *naive) pane(c *naiveCell, passing, last bool) {
	s := n.w.Strategy
	timing := batch.Late
	if c.timing < batch.OnTime {
		if c.End > n.watermark {
			timing = batch.Early
		} else if passing || c.held {
			timing = batch.OnTime
		}
	}
	onTime, closing := s.Empty()
	if len(c.fresh) == 0 && !(onTime && timing == batch.OnTime) && !(closing && last) {
		return
	}
	p := gotPane{key: c.key, start: c.Start, end: c.End, time: n.time(c),
		pane: batch.Pane{Index: c.index, NonSpeculative: -1, Timing: timing, First: c.index == 0, Last: last}}
	c.index++
	if timing != batch.Early {
		p.pane.NonSpeculative = c.spoken
		c.spoken++
	}
	p.values = slices.Clone(c.all)
	if s.Mode == window.Discarding {
		p.values = slices.Clone(c.fresh)
	}
	slices.Sort(p.values)
	for _, v := range p.values {
		p.sum += v
	}
	for _, back := range c.shown {
		back.retract = true
		n.panes = append(n.panes, back)
	}
	n.panes = append(n.panes, p)
	c.shown = nil
	if s.Mode == window.Retracting {
		c.shown = []gotPane{p}
	}
	if s.Mode == window.Discarding {
		c.all = nil
	}
	c.fresh, c.times, c.held, c.timing = nil, nil, false, timing
}

func (n *naive) time(c *naiveCell) int64 {
	switch {
	case len(c.times) == 0:
	case n.w.Strategy.Combiner == window.Earliest:
		return slices.Min(c.times)
	case n.w.Strategy.Combiner == window.Latest:
		return slices.Max(c.times)
	}
	return c.End - 1
}

func (n *naive) advanceTo(w int64) {
	before := n.watermark
	n.watermark = w
	for _, c := range slices.Clone(n.cells) {
		passing, last := c.End > before && c.End <= w, c.End+n.w.Strategy.LatenessMicros() <= w
		switch {
		case last:
			if !c.closed {
				n.pane(c, passing, true)
			}
			n.cells = slices.DeleteFunc(n.cells, func(x *naiveCell) bool { return x == c })
		case passing:
			n.try(c, trigger.Moment{Ended: true, Now: n.now}, true)
		}
	}
}

// clock asks the triggers that wait for it.
func (n *naive) clock(to int64) {
	before := n.now
	n.now = to
	for _, c := range n.cells {
		if n.machine.Due(c.state, before) > to {
			continue
		}
		n.try(c, trigger.Moment{Ended: c.End <= n.watermark, Now: n.now}, false)
	}
}

// hold is the earliest event time of the panes to come from rows that were not late.
func (n *naive) hold() int64 {
	hold := batch.MaxTime
	for _, c := range n.cells {
		if c.held {
			hold = min(hold, n.time(c))
		}
	}
	return min(hold, n.watermark)
}

// randomTrigger draws a trigger; Lossy where the strategy asks for it.
func randomTrigger(r *rand.Rand, depth int) window.Trigger {
	part := func() window.Trigger { return randomTrigger(r, depth-1) }
	n := 12
	if depth == 0 {
		n = 6
	}
	switch r.IntN(n) {
	case 0:
		return window.Default()
	case 1, 2:
		return window.AfterCount(1 + r.Int64N(4))
	case 3:
		return window.AfterProcessingTime(time.Duration(r.IntN(8)) * time.Microsecond)
	case 4:
		return window.AfterProcessingTimeAligned(time.Duration(r.IntN(4))*time.Microsecond, 5*time.Microsecond)
	case 5:
		return window.AfterWatermark()
	case 6:
		return window.AfterWatermark(window.Early(part()), window.Late(part()))
	case 7:
		return window.Repeat(part())
	case 8:
		return window.OrFinally(part(), part())
	case 9:
		return window.AfterEach(part(), part())
	case 10:
		return window.AfterAny(part(), part())
	}
	return window.AfterAll(part(), part())
}

func randomStrategy(r *rand.Rand) window.Strategy {
	s := window.Strategy{Trigger: randomTrigger(r, 2), Mode: window.Mode(r.IntN(3)), Lateness: time.Duration(r.IntN(3)*7) * time.Microsecond,
		Combiner: window.Combiner(r.IntN(3)), OnTime: window.Behavior(r.IntN(3)), Closing: window.Behavior(r.IntN(3))}
	if r.IntN(3) == 0 {
		s.Trigger = window.AfterWatermark(window.Early(window.AfterCount(1+r.Int64N(3))), window.Late(window.AfterCount(1+r.Int64N(2))))
	}
	if s.Validate() != nil {
		s.Trigger = window.Lossy(s.Trigger)
	}
	return s
}

// happening is a batch of rows, a watermark or a time of the clock.
type happening struct {
	rows      []element
	watermark *int64
	clock     int64
}

func happenings(r *rand.Rand) (all []happening) {
	w, now, at, v := int64(-60), int64(0), int64(-50), int64(0)
	for range 4 + r.IntN(25) {
		switch r.IntN(4) {
		case 0:
			if w += r.Int64N(12); r.IntN(4) == 0 {
				w += 20
			}
			all = append(all, happening{watermark: &[]int64{w}[0]})
		case 1:
			now += r.Int64N(6)
			all = append(all, happening{clock: now})
		default:
			var rows []element
			for range 1 + r.IntN(6) {
				at += r.Int64N(4)
				v++
				rows = append(rows, element{K: string(rune('a' + r.IntN(3))), V: v, TS: at - r.Int64N(20)})
			}
			at = max(at, w)
			all = append(all, happening{rows: rows})
		}
	}
	return all
}

var triggeredFns = []window.Fn{window.Fixed(micro(10)), window.Sliding(micro(10), micro(4)), window.Sliding(micro(4), micro(7)),
	window.Session(micro(5)), window.Session(micro(5)), window.Global(), window.Custom("odd", func(at time.Time) []window.Interval {
		us := at.UnixMicro()
		return []window.Interval{{Start: us, End: us + 3}, {Start: us - us&7, End: us + 9}}
	})}

// Whatever the trigger and the strategy, panes, late rows and the hold on the
// watermark are those of a list of rows for each key and window, however rows are
// cut into batches and keys are dealt out.
func TestTriggeredAgainstNaive(t *testing.T) {
	seeds := uint64(1500)
	if testing.Short() {
		seeds = 200
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 5))
		w := graph.Windowing{Fn: triggeredFns[r.IntN(len(triggeredFns))], Strategy: randomStrategy(r)}
		events := happenings(r)
		want := newNaive(w)
		want.run(events)
		for _, batchRows := range []int{1, 3, 100} {
			got := newTriggeredChain(t, w, 1+int(seed%3))
			holds := got.run(events, batchRows)
			if d := samePanes(got, want, holds); d != "" {
				t.Fatalf("seed %d, %s, batches of %d: %s", seed, w, batchRows, d)
			}
		}
	}
}

func (n *naive) run(events []happening) {
	for _, e := range events {
		switch {
		case e.rows != nil:
			for _, row := range e.rows {
				n.row(row)
			}
		case e.watermark != nil:
			n.advanceTo(*e.watermark)
		default:
			n.clock(e.clock)
		}
		n.holds = append(n.holds, n.hold())
	}
	n.advanceTo(endOfInput)
}

func newTriggeredChain(t *testing.T, w graph.Windowing, partitions int) *modelChain {
	c := newModelChain(t, w, false, partitions)
	g := Grouping{}
	for p := range partitions {
		if o, ok := c.receivers[p].(*triggered); ok {
			g = o.Grouping
		} else {
			g = Grouping{Aggregate: listAndSum(t), Key: &batch.Type{Kind: batch.String}, Windowing: w, LateOutput: true}
		}
		c.receivers[p] = NewTriggered(g, &c.counters[p])
	}
	c.send = NewScatter(&wire{to: c.receivers, at: c.emits})
	return c
}

func (c *modelChain) run(events []happening, batchRows int) (holds []int64) {
	c.t.Helper()
	w := batch.MinTime
	for _, e := range events {
		switch {
		case e.rows != nil:
			for rows := range slices.Chunk(e.rows, batchRows) {
				c.elementsAt(rows, 1)
			}
		case e.watermark != nil:
			w = *e.watermark
			c.watermark(w)
		default:
			c.advance(e.clock - c.now)
		}
		hold := w
		for _, o := range c.receivers {
			hold = min(hold, o.(*triggered).Hold())
		}
		holds = append(holds, hold)
	}
	c.end()
	for _, o := range c.receivers {
		if x := o.(*triggered); x.keys.Live() != 0 || x.slots.InUse() != 0 || x.free.InUse() != 0 {
			c.t.Fatalf("%d keys, %d slots and %d cells are left at the end", x.keys.Live(), x.slots.InUse(), x.free.InUse())
		}
	}
	return holds
}

func samePanes(got *modelChain, want *naive, holds []int64) string {
	print := func(panes []gotPane) (lines []string) {
		for _, p := range panes {
			lines = append(lines, p.String())
		}
		slices.Sort(lines)
		return lines
	}
	g, w := print(got.got), print(want.panes)
	slices.Sort(got.late)
	slices.Sort(want.late)
	switch {
	case !slices.Equal(g, w):
		return fmt.Sprintf("panes\ngot  %s\nwant %s", strings.Join(g, "\n     "), strings.Join(w, "\n     "))
	case !slices.Equal(got.late, want.late):
		return fmt.Sprintf("late rows %v, want %v", got.late, want.late)
	case !slices.Equal(holds, want.holds):
		return fmt.Sprintf("the watermark was held at %v, want %v", holds, want.holds)
	}
	open := make(map[string]int) // what is shown and not taken back
	for _, p := range got.got {
		key := fmt.Sprint(p.key, p.start, p.end, p.values, p.pane)
		if open[key]++; p.retract {
			if open[key] -= 2; open[key] < 0 {
				return fmt.Sprintf("%s takes back what was not there", p)
			}
		}
	}
	return ""
}

// State of a stream whose keys come and go stays as large as what is open, with
// alarms, holds, closed triggers and rows that come too late.
func TestTriggeredStateStaysBounded(t *testing.T) {
	strategies := []window.Strategy{
		{Lateness: micro(20), Mode: window.Retracting, Combiner: window.Earliest,
			Trigger: window.AfterWatermark(window.Early(window.AfterProcessingTime(micro(4))), window.Late(window.AfterCount(2)))},
		{Lateness: micro(5), Trigger: window.Lossy(window.AfterCount(2)), Combiner: window.Latest},
		{Mode: window.Accumulating, Trigger: window.Repeat(window.AfterAny(window.AfterCount(1), window.AfterProcessingTime(micro(3))))},
	}
	for _, fn := range []window.Fn{window.Fixed(micro(10)), window.Sliding(micro(12), micro(5)), window.Session(micro(6))} {
		for _, s := range strategies {
			c := newTriggeredChain(t, graph.Windowing{Fn: fn, Strategy: s}, 1)
			o := c.receivers[0].(*triggered)
			var early, most int64
			const rounds = 400
			for i := range rounds {
				var rows []element
				for k := range 12 {
					rows = append(rows, element{K: fmt.Sprintf("%100d", 12*i+k/2), V: 1, TS: int64(10*i + k%7)})
				}
				rows = append(rows, element{K: fmt.Sprint("late", i), TS: int64(10*i - 300)})
				c.elementsAt(rows, 1)
				c.advance(3)
				c.watermark(int64(10*i - 15))
				c.got, c.late = nil, nil
				if i < rounds/3 {
					early = max(early, o.SizeBytes())
				}
				most = max(most, o.SizeBytes())
				if n := o.keys.Live(); n > 60 {
					t.Fatalf("%s, %s: %d keys are alive in round %d", fn, s, n, i)
				}
			}
			if most > early+early/4 {
				t.Errorf("%s, %s: state grew: %d bytes at most in the first third of the stream, %d later", fn, s, early, most)
			}
			if c.counters[0].Dropped < rounds/2 {
				t.Errorf("%s, %s: only %d rows were late", fn, s, c.counters[0].Dropped)
			}
		}
	}
}
