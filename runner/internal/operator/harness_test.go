package operator

import (
	"context"
	"fmt"
	"math/rand/v2"
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

// The harness runs both halves of a Combine over rows and watermarks as a plan
// would wire them, and keeps what comes out:
//
//	step{rows, watermark} ─▶ partial 0 ─┬─▶ combine 0 ─▶ fired
//	                      ─▶ partial 1 ─┴─▶ combine 1 ─▶ fired
//
// How rows are cut into batches, encoded and dealt to tasks is a variant, which
// must not change a result.

// row is one input row. A nil key or v is null.
type row struct {
	key any
	t   int64
	v   *int64
	f   float64
	in  window.Interval // its window, when the input is grouped
}

// step is some rows and then a watermark.
type step struct {
	rows      []row
	watermark int64
}

// variant is a way of running the same steps.
type variant struct {
	batchRows  int
	tasks      int
	partitions int
	dictionary bool // strings come as codes
	selection  bool // rows that do not count lie between those that do
	ordered    bool
	seed       uint64
}

func (v variant) String() string {
	return fmt.Sprintf("batches of %d, %d tasks, %d partitions, dictionary %t, selection %t, seed %d",
		v.batchRows, v.tasks, v.partitions, v.dictionary, v.selection, v.seed)
}

// variants draws every batch size with the rest at random.
func variants(r *rand.Rand) []variant {
	var all []variant
	for _, n := range []int{1, 2, 7, 4096} {
		all = append(all, variant{batchRows: n, tasks: 1 + r.IntN(3), partitions: 1 + r.IntN(3),
			dictionary: r.IntN(2) == 0, selection: r.IntN(2) == 0, ordered: r.IntN(2) == 0, seed: r.Uint64()})
	}
	return all
}

// value is what is aggregated, result what comes out.
type value struct {
	V *int64  `leat:"v"`
	F float64 `leat:"f"`
}

type result struct {
	Start  time.Time
	End    time.Time
	Rows   int64
	Values int64
	Sum    int64
	Max    *int64
	Float  float64
	List   []float64
}

func (r result) String() string {
	top := "null"
	if r.Max != nil {
		top = fmt.Sprint(*r.Max)
	}
	return fmt.Sprintf("[%d,%d) rows %d values %d sum %d max %s float %v list %v",
		r.Start.UnixMicro(), r.End.UnixMicro(), r.Rows, r.Values, r.Sum, top, r.Float, r.List)
}

func aggregate(t *testing.T) *agg.Plan {
	t.Helper()
	p, err := agg.Into(func(v *value, r *result) []agg.Term {
		return []agg.Term{agg.WindowStart(&r.Start), agg.WindowEnd(&r.End), agg.Count(&r.Rows), agg.CountOf(&r.Values, v.V),
			agg.Sum(&r.Sum, v.V), agg.Max(r.Max, v.V), agg.Sum(&r.Float, &v.F), agg.CollectList(&r.List, &v.F)}
	}).Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wire is a Target that hands over at once, but for key groups, which wait for
// the end as in a blocked exchange.
type wire struct {
	to     []Operator
	at     []graph.Emit
	groups [codec.KeyGroups][]*batch.Batch
}

func (w *wire) Partitions() int { return len(w.to) }

func (w *wire) Send(ctx context.Context, partition int, b *batch.Batch) error {
	return w.to[partition].Process(ctx, b, w.at[partition])
}

func (w *wire) SendGroup(_ context.Context, group int, b *batch.Batch) error {
	w.groups[group] = append(w.groups[group], b)
	return nil
}

// end hands over what waits.
func (w *wire) end(ctx context.Context) error {
	for g, batches := range w.groups {
		to := g * len(w.to) / codec.KeyGroups
		for _, b := range batches {
			if err := w.to[to].Process(ctx, b, w.at[to]); err != nil {
				return err
			}
		}
		if grouped, ok := w.to[to].(KeyGrouped); ok && batches != nil {
			if err := grouped.EndKeyGroup(ctx, w.at[to]); err != nil {
				return err
			}
		}
	}
	return nil
}

// chain is both halves of a Combine, wired.
type chain struct {
	t         *testing.T
	grouping  Grouping
	variant   variant
	senders   []Operator
	target    *wire
	ahead     []int64 // watermarks of the senders but the first
	receivers []Operator
	counters  []Counters
	emits     []graph.Emit
	fired     [][]fired // by partition
	after, by int64     // what fires now must end in (after, by]
	random    *rand.Rand
	dicts     map[*batch.Type]*batch.Dictionary
}

// fired is one result as text: which key and window, and what.
type fired struct{ group, result string }

func newChain(t *testing.T, key *batch.Type, w graph.Windowing, v variant) *chain {
	c := &chain{t: t, variant: v, random: rand.New(rand.NewPCG(v.seed, 1)), after: batch.MinTime, by: batch.MinTime,
		grouping: Grouping{Aggregate: aggregate(t), Key: key, Windowing: w, Ordered: v.ordered},
		counters: make([]Counters, v.partitions), fired: make([][]fired, v.partitions), dicts: make(map[*batch.Type]*batch.Dictionary)}
	for p := range v.partitions {
		c.receivers = append(c.receivers, NewCombine(c.grouping, &c.counters[p]))
		c.emits = append(c.emits, func(o int, b *batch.Batch) error { return c.take(p, b) })
	}
	target := &wire{to: c.receivers, at: c.emits}
	c.target = target
	c.ahead = make([]int64, v.tasks)
	for i := range c.ahead {
		c.ahead[i] = batch.MinTime
	}
	for range v.tasks {
		send := NewPartial(c.grouping, target)
		if w.Fn.Kind() == window.KindSession && !w.Grouped {
			send = NewScatter(target)
		}
		c.senders = append(c.senders, send)
	}
	return c
}

// run drives steps to the end of input.
func (c *chain) run(steps []step) {
	c.t.Helper()
	next := 0
	for _, s := range steps {
		for chunk := range slices.Chunk(s.rows, c.variant.batchRows) {
			b := c.encode(chunk)
			c.check(c.senders[next%len(c.senders)].Process(c.t.Context(), b, nil))
			next++
		}
		c.watermark(s.watermark)
	}
	c.end()
}

func (c *chain) watermark(w int64) {
	if w <= c.by {
		return
	}
	c.after, c.by = c.by, w
	for i, o := range c.senders {
		if i > 0 { // ahead of the others, its panes reach receivers early
			c.ahead[i] = max(c.ahead[i], w+c.random.Int64N(60))
			c.check(o.Watermark(c.t.Context(), c.ahead[i], nil))
			continue
		}
		c.check(o.Watermark(c.t.Context(), w, nil))
	}
	for p, o := range c.receivers {
		c.check(o.Watermark(c.t.Context(), w, c.emits[p]))
	}
}

func (c *chain) end() {
	c.after, c.by = c.by, 1<<62
	for _, o := range c.senders {
		c.check(o.End(c.t.Context(), nil))
	}
	c.check(c.target.end(c.t.Context()))
	for p, o := range c.receivers {
		c.check(o.End(c.t.Context(), c.emits[p]))
	}
	for _, o := range slices.Concat(c.senders, c.receivers) {
		c.check(o.Close())
	}
}

func (c *chain) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("%s: %v", c.variant, err)
	}
}

// dropped is how many rows were too late.
func (c *chain) dropped() (n int64) {
	for _, p := range c.counters {
		n += p.Dropped
	}
	return n
}

// take keeps results and checks what holds for each.
func (c *chain) take(partition int, b *batch.Batch) error {
	rows, err := codec.For[result]()
	if err != nil {
		return err
	}
	values := make([]result, b.Len())
	if err := rows.Decode(b.Root.Children[1], nil, values); err != nil {
		return err
	}
	if b.Len() == 0 || b.Len() > batch.TargetRows {
		return fmt.Errorf("a batch of %d rows was emitted", b.Len())
	}
	for i, v := range values {
		start, end := b.Start[i], b.End[i]
		if end <= c.after || end > c.by || b.Time[i] != end-1 {
			return fmt.Errorf("window [%d,%d) with time %d fired while the watermark went from %d to %d", start, end, b.Time[i], c.after, c.by)
		}
		if v.Start.UnixMicro() != start || v.End.UnixMicro() != end {
			return fmt.Errorf("window [%d,%d) has a result for %s", start, end, v)
		}
		group := groupName(b.Root.Children[0], i, window.Interval{Start: start, End: end})
		c.fired[partition] = append(c.fired[partition], fired{group, v.String()})
	}
	return nil
}

// groupName is the key as it was emitted, its canonical bytes, and the window.
func groupName(key *batch.Column, i int, w window.Interval) string {
	return fmt.Sprintf("%s %x [%d,%d)", key.Format(i), codec.AppendKey(nil, key, i), w.Start, w.End)
}

// all returns the results of every partition by group. A group that fired twice
// is a failure.
func (c *chain) all() map[string]string {
	c.t.Helper()
	out := make(map[string]string)
	for _, p := range c.fired {
		for _, f := range p {
			if _, twice := out[f.group]; twice {
				c.t.Fatalf("%s: %s fired twice", c.variant, f.group)
			}
			out[f.group] = f.result
		}
	}
	return out
}

// difference says in which groups two sets of results differ, the first few.
func difference(got, want map[string]string) string {
	var lines []string
	for g, w := range want {
		if got[g] != w {
			lines = append(lines, fmt.Sprintf("%s\n   got  %s\n   want %s", g, got[g], w))
		}
	}
	for g := range got {
		if _, ok := want[g]; !ok {
			lines = append(lines, fmt.Sprintf("%s\n   got  %s\n   want nothing", g, got[g]))
		}
	}
	slices.Sort(lines)
	if len(lines) > 5 {
		lines = append(lines[:5], fmt.Sprintf("and %d more", len(lines)-5))
	}
	return strings.Join(lines, "\n")
}
