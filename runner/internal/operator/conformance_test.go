package operator

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// modelCase is a case of the shared suite that is a grouping and nothing else.
type modelCase struct {
	Name      string
	Transform string
	Bounded   bool
	Stream    []struct {
		Elements []element
		// Watermark is a number of ms or "+inf".
		Watermark any
		Advance   int64 `json:"advance_processing_time_ms"`
	}
	Window struct {
		Kind                 string
		Size, Period, Offset int64
		SizeMS               int64 `json:"size_ms"`
		PeriodMS             int64 `json:"period_ms"`
		GapMS                int64 `json:"gap_ms"`
		OffsetMS             int64 `json:"offset_ms"`
	}
	Trigger      modelTrigger
	Accumulation string
	LatenessMS   int64      `json:"allowed_lateness_ms"`
	Combiner     string     `json:"timestamp_combiner"`
	OnTime       string     `json:"on_time_behavior"`
	Closing      string     `json:"closing_behavior"`
	Panes        []wantPane `json:"expect_panes"`
}

type element struct {
	K      string
	V, TS  int64
	Sorted bool `json:"-"`
}

type modelTrigger struct {
	Type        string
	N           int64
	DelayMS     int64 `json:"delay_ms"`
	Early, Late *modelTrigger
	Sub, Main   *modelTrigger
	Until       *modelTrigger
	Subs        []modelTrigger
}

// wantPane is a pane of which only the fields that are given count.
type wantPane struct {
	Key            *string
	Window         any // [start, end] in ms, or "global"
	Values         *[]int64
	Sum            *int64
	TS             *int64
	Timing         *string
	Index          *int32
	NonSpeculative *int32 `json:"nonspeculative_index"`
	First, Last    *bool
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func (t *modelTrigger) trigger(tb testing.TB) window.Trigger {
	tb.Helper()
	part := func(t *modelTrigger) window.Trigger { return t.trigger(tb) }
	var subs []window.Trigger
	for i := range t.Subs {
		subs = append(subs, part(&t.Subs[i]))
	}
	switch t.Type {
	case "default":
		return window.Default()
	case "always":
		return window.Repeat(window.AfterCount(1))
	case "never":
		return window.Never()
	case "after_count":
		return window.AfterCount(t.N)
	case "after_processing_time":
		return window.AfterProcessingTime(ms(t.DelayMS))
	case "after_watermark":
		var phases []window.Phase
		if t.Early != nil {
			phases = append(phases, window.Early(part(t.Early)))
		}
		if t.Late != nil {
			phases = append(phases, window.Late(part(t.Late)))
		}
		return window.AfterWatermark(phases...)
	case "repeat":
		return window.Repeat(part(t.Sub))
	case "or_finally":
		return window.OrFinally(part(t.Main), part(t.Until))
	case "after_each":
		return window.AfterEach(subs...)
	case "after_any":
		return window.AfterAny(subs...)
	case "after_all":
		return window.AfterAll(subs...)
	}
	tb.Fatalf("unknown trigger %q", t.Type)
	return window.Trigger{}
}

func (c *modelCase) windowing(t *testing.T) graph.Windowing {
	t.Helper()
	w := graph.Windowing{Fn: window.Global()}
	switch k := c.Window; k.Kind {
	case "fixed":
		w.Fn = window.Fixed(ms(k.SizeMS)).Offset(ms(k.OffsetMS))
	case "sliding":
		w.Fn = window.Sliding(ms(k.SizeMS), ms(k.PeriodMS)).Offset(ms(k.OffsetMS))
	case "sessions":
		w.Fn = window.Session(ms(k.GapMS))
	case "global":
	default:
		t.Fatalf("unknown window %q", k.Kind)
	}
	s := &w.Strategy
	s.Trigger, s.Lateness = c.Trigger.trigger(t), ms(c.LatenessMS)
	if err := s.Validate(); err != nil && strings.Contains(err.Error(), "window.Lossy") {
		s.Trigger = window.Lossy(s.Trigger)
	}
	s.Mode = map[string]window.Mode{"discarding": window.Discarding, "accumulating": window.Accumulating}[c.Accumulation]
	s.Combiner = map[string]window.Combiner{"end_of_window": window.EndOfWindow, "earliest": window.Earliest, "latest": window.Latest}[c.Combiner]
	behaviors := map[string]window.Behavior{"fire_always": window.FireAlways, "fire_if_non_empty": window.FireIfNonEmpty}
	s.OnTime, s.Closing = behaviors[c.OnTime], behaviors[c.Closing]
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return w
}

// gotPane is a pane as it came out.
type gotPane struct {
	key        string
	start, end int64
	values     []int64
	sum        int64
	time       int64
	pane       batch.Pane
	retract    bool
}

func (p gotPane) String() string {
	sign := ""
	if p.retract {
		sign = "-"
	}
	return fmt.Sprintf("%s%s [%d,%d) %v at %d %s %d/%d first %t last %t", sign, p.key, p.start, p.end, p.values, p.time,
		p.pane.Timing, p.pane.Index, p.pane.NonSpeculative, p.pane.First, p.pane.Last)
}

func (w wantPane) String() string {
	text, _ := json.Marshal(w)
	return string(text)
}

// floorMS converts µs; ends of time stay.
func floorMS(us int64) int64 {
	q := us / 1000
	if us%1000 < 0 {
		q--
	}
	return q
}

func (w *wantPane) matches(p gotPane) bool {
	switch bounds := w.Window.(type) {
	case []any:
		if floorMS(p.start) != int64(bounds[0].(float64)) || floorMS(p.end) != int64(bounds[1].(float64)) {
			return false
		}
	case string:
		if p.start != batch.MinTime || p.end != batch.MaxTime {
			return false
		}
	}
	return agrees(w.Key, p.key) && agrees(w.Sum, p.sum) && agrees(w.TS, floorMS(p.time)) && agrees(w.Timing, p.pane.Timing.String()) &&
		agrees(w.Index, p.pane.Index) && agrees(w.NonSpeculative, p.pane.NonSpeculative) && agrees(w.First, p.pane.First) &&
		agrees(w.Last, p.pane.Last) && (w.Values == nil || slices.Equal(*w.Values, p.values))
}

func agrees[T comparable](want *T, got T) bool { return want == nil || *want == got }

// matchPanes reports whether every wanted pane is one of those that came, and none is left.
func matchPanes(want []wantPane, got []gotPane) bool {
	if len(want) != len(got) {
		return false
	}
	if len(want) == 0 {
		return true
	}
	for i, g := range got {
		if want[0].matches(g) && matchPanes(want[1:], slices.Delete(slices.Clone(got), i, i+1)) {
			return true
		}
	}
	return false
}

type groupedValues struct {
	List []int64
	Sum  int64
}

// modelChain is both halves of a grouping, as the streaming or the batch plan would
// make them.
type modelChain struct {
	t         *testing.T
	send      Operator
	receivers []Operator
	emits     []graph.Emit
	counters  []Counters
	now       int64
	got       []gotPane
	late      []int64
}

func newModelChain(t *testing.T, w graph.Windowing, bounded bool, partitions int) *modelChain {
	plan := listAndSum(t)
	c := &modelChain{t: t, counters: make([]Counters, partitions)}
	g := Grouping{Aggregate: plan, Key: &batch.Type{Kind: batch.String}, Windowing: w, Ordered: bounded, LateOutput: true}
	simple := w.Strategy.Simple()
	if bounded {
		g.NeverLate = true
		simple = w.Strategy.Trigger.AtEnd() && w.Strategy.Combiner == window.EndOfWindow
	}
	for p := range partitions {
		if simple {
			c.receivers = append(c.receivers, NewCombine(g, &c.counters[p]))
		} else {
			c.receivers = append(c.receivers, NewTriggered(g, &c.counters[p]))
		}
		c.emits = append(c.emits, c.take)
	}
	target := &wire{to: c.receivers, at: c.emits}
	c.send = NewScatter(target)
	if simple && w.Fn.Kind() != window.KindSession {
		c.send = NewPartial(g, target)
	}
	return c
}

func listAndSum(t *testing.T) *agg.Plan {
	t.Helper()
	plan, err := agg.Into(func(v *int64, r *groupedValues) []agg.Term {
		return []agg.Term{agg.CollectList(&r.List, v), agg.Sum(&r.Sum, v)}
	}).Plan()
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func (c *modelChain) take(o int, b *batch.Batch) error {
	if o == 1 {
		for i := range b.Len() {
			c.late = append(c.late, b.Root.Children[1].Ints[b.Row(i)])
		}
		return nil
	}
	values, err := codec.For[groupedValues]()
	if err != nil {
		return err
	}
	rows := make([]groupedValues, b.Len())
	if err := values.Decode(b.Root.Children[1], nil, rows); err != nil {
		return err
	}
	for i, r := range rows {
		slices.Sort(r.List)
		c.got = append(c.got, gotPane{b.Root.Children[0].Text(i), b.Start[i], b.End[i], r.List, r.Sum, b.Time[i], b.PaneAt(i), b.Retract != nil && b.Retract[i]})
	}
	return nil
}

func (c *modelChain) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *modelChain) elements(elements []element) { c.elementsAt(elements, 1000) }

// elementsAt takes elements whose times are in units of so many µs.
func (c *modelChain) elementsAt(elements []element, unit int64) {
	c.t.Helper()
	var keys batch.Strings
	keys.Offsets = []int32{0}
	var values, times []int64
	for _, e := range elements {
		keys.Append(e.K)
		values, times = append(values, e.V), append(times, e.TS*unit)
	}
	n := len(elements)
	key, value := &batch.Type{Kind: batch.String}, &batch.Type{Kind: batch.Int64}
	root := batch.NewStruct(&batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "key", Type: key}, {Name: "value", Type: value}}}, n,
		&batch.Column{Type: key, Len: n, Strings: keys}, batch.NewInts(value, values))
	c.check(c.send.Process(c.t.Context(), &batch.Batch{Root: root, Time: times}, nil))
}

func (c *modelChain) watermark(w int64) {
	c.t.Helper()
	c.check(c.send.Watermark(c.t.Context(), w, nil))
	for i, o := range c.receivers {
		c.check(o.Watermark(c.t.Context(), w, c.emits[i]))
	}
}

func (c *modelChain) advance(us int64) {
	c.t.Helper()
	c.now += us
	for i, o := range c.receivers {
		if timed, ok := o.(*triggered); ok && timed.machine.Timed() {
			c.check(timed.ProcessingTime(c.t.Context(), c.now, c.emits[i]))
		}
	}
}

func (c *modelChain) end() {
	c.t.Helper()
	c.check(c.send.End(c.t.Context(), nil))
	for i, o := range c.receivers {
		c.check(o.End(c.t.Context(), c.emits[i]))
		c.check(o.Close())
	}
}

// Groupings give what the model gives: the cases of the shared suite that are a
// GroupByKey or a Combine, however bundles are cut and keys are dealt out.
func TestModelCases(t *testing.T) {
	text, err := os.ReadFile("../../local/testdata/conformance/beam.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []modelCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, c := range cases {
		if c.Transform != "group_by_key" && c.Transform != "sum_per_key" {
			continue
		}
		ran++
		t.Run(c.Name, func(t *testing.T) {
			for _, rows := range []int{1, 4096} {
				for _, partitions := range []int{1, 3} {
					for _, bounded := range []bool{false, true} {
						if !bounded || c.Bounded {
							c.run(t, rows, partitions, bounded)
						}
					}
				}
			}
		})
	}
	if ran < 50 {
		t.Errorf("only %d cases were found", ran)
	}
}

func (c *modelCase) run(t *testing.T, rows, partitions int, bounded bool) {
	t.Helper()
	chain := newModelChain(t, c.windowing(t), bounded, partitions)
	ended := false
	for _, s := range c.Stream {
		for chunk := range slices.Chunk(s.Elements, rows) {
			chain.elements(chunk)
		}
		switch w := s.Watermark.(type) {
		case float64:
			chain.watermark(int64(w) * 1000)
		case string:
			if !bounded {
				chain.watermark(batch.MaxTime)
			}
			chain.end()
			ended = true
		}
		if s.Advance != 0 {
			chain.advance(1000 * s.Advance)
		}
	}
	if c.Bounded && !ended {
		chain.end()
	}
	if !matchPanes(c.Panes, chain.got) {
		t.Errorf("batches of %d, %d partitions, bounded %t:\ngot  %v\nwant %v", rows, partitions, bounded, chain.got, c.Panes)
	}
}
