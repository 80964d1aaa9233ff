package local_test

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// record is the one type of row in random pipelines: every step takes and gives
// it, so that any step can follow any other.
type record struct {
	K  string    `leat:"k"`
	N  int64     `leat:"n"`
	F  float64   `leat:"f"`
	P  *int64    `leat:"p"`
	At time.Time `leat:"at"`
}

// flow is a collection with the rows the interpreter has for it.
type flow struct {
	coll    leat.PCollection[record]
	rows    []naive
	fn      window.Fn
	grouped bool
	far     bool // times are near the end of time: windows there are no dates
}

// generator builds a random pipeline and interprets it at the same time.
type generator struct {
	r       *rand.Rand
	p       *leat.Pipeline
	arrival arrival
	cells   coverage
	odd     bool // data has NaN, infinities and −0
	// What the interpreter's rows have decided. Another pipeline of the same seed
	// is built from that, without interpreting anything again.
	decisions []bool
	replaying bool
	// atEnd: a side input is complete only when its source ends, so that is refused
	// where the source says it never does
	atEnd   bool
	names   int
	flows   []flow
	outs    []*memory.Collector[record]
	written [][]naive
	fires   []fired
	result  *local.Result // of the last run
}

func (g *generator) name(kind string) string {
	g.names++
	return fmt.Sprintf("%s-%d", kind, g.names)
}

// decide returns whether something holds of the interpreter's rows.
func (g *generator) decide(holds bool) bool {
	if g.replaying {
		holds = g.decisions[0]
		g.decisions = g.decisions[1:]
		return holds
	}
	g.decisions = append(g.decisions, holds)
	return holds
}

func (g *generator) any() flow { return g.flows[g.r.IntN(len(g.flows))] }

func (g *generator) add(f flow) { g.flows = append(g.flows, f) }

func (g *generator) write(f flow) {
	out := &memory.Collector[record]{}
	leat.Write(f.coll, g.name("out"), out)
	g.outs, g.written = append(g.outs, out), append(g.written, f.rows)
}

// read adds a source: times rise and fall within the declared disorder, many are
// equal, some before 1970; one key has most of the rows.
func (g *generator) read() {
	disorder := time.Duration(g.r.IntN(20)) * time.Second
	now := time.Unix(int64(g.r.IntN(100)-60), 0).UTC()
	rows := make([]record, g.r.IntN(150))
	step := []time.Duration{time.Millisecond, time.Second}[g.r.IntN(2)]
	for i := range rows {
		if g.r.IntN(3) > 0 {
			now = now.Add((time.Duration(g.r.IntN(3000)) * time.Millisecond).Truncate(step))
		}
		rows[i] = record{K: string(rune('a' + g.r.IntN(1+g.r.IntN(6)))), N: int64(g.r.IntN(40) - 10), F: g.float(), At: now}
		if g.r.IntN(3) > 0 {
			rows[i].At = now.Add(-time.Duration(g.r.Int64N(int64(disorder) + 1)).Truncate(time.Second))
		}
		if g.r.IntN(4) > 0 {
			p := int64(g.r.IntN(5))
			rows[i].P = &p
		}
	}
	order := watermark.Disorder(disorder)
	switch g.r.IntN(8) {
	case 0:
		order = watermark.None()
	case 1:
		order = watermark.Func("behind", func() func(time.Time) time.Time {
			return func(latest time.Time) time.Time { return latest.Add(-disorder) }
		})
	}
	byTime := leat.EventTimeField(func(e *record) *time.Time { return &e.At }, order)
	if g.r.IntN(3) == 0 {
		byTime = leat.EventTime(func(e record) time.Time { return e.At }, order)
	}
	f := flow{coll: leat.Read(g.p, g.name("read"), newArrivals(rows, disorder, g.arrival), byTime)}
	for _, r := range rows {
		if g.replaying {
			break
		}
		f.rows = append(f.rows, naive{row: r, t: r.At.UnixMicro()})
	}
	g.add(f)
}

func (g *generator) float() float64 {
	if g.odd {
		if i := g.r.IntN(12); i < 5 {
			return [...]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1)}[i]
		}
	}
	return math.Ldexp(float64(g.r.IntN(2000)-1000)/7, g.r.IntN(120)-60)
}

// transform is a kind of step. It returns the rows as it took them, in windows that
// it may have changed; ok is false where it cannot take them, and did nothing.
type transform struct {
	name string
	do   func(g *generator, in flow) (took flow, ok bool)
}

// transforms are drawn evenly.
var transforms []transform

func init() { // not a literal, which the steps would refer to in a circle
	any := func(do func(g *generator, in flow)) func(*generator, flow) (flow, bool) {
		return func(g *generator, in flow) (flow, bool) {
			do(g, in)
			return in, true
		}
	}
	transforms = []transform{
		{"map", any((*generator).mapRows)},
		{"filter", any((*generator).filter)},
		{"where", any((*generator).where)},
		{"flatmap", any((*generator).flatMap)},
		{"pardo", any((*generator).parDo)},
		{"flatten", (*generator).flatten},
		{"distinct", any((*generator).distinct)},
		{"group", any((*generator).groupByKey)},
		{"cogroup", (*generator).coGroup},
		{"combine", any((*generator).combine)},
		{"custom combine", any((*generator).combineCustom)},
		{"top n", any((*generator).topN)},
		{"join", func(g *generator, in flow) (flow, bool) { return g.join(innerJoin, in) }},
		{"left join", func(g *generator, in flow) (flow, bool) { return g.join(leftJoin, in) }},
		{"full join", func(g *generator, in flow) (flow, bool) { return g.join(fullJoin, in) }},
		{"interval join", (*generator).intervalJoin},
		{"stateful", (*generator).stateful},
		{"as of", any((*generator).asOf)},
		{"side list", any((*generator).sideList)},
		{"side map", any((*generator).sideMap)},
		{"side singleton", (*generator).sideSingleton},
		{"point in time", any((*generator).pointInTime)},
	}
}

// rowsMost bounds the rows of a step, as the interpreter compares each with each.
const rowsMost = 600

// step adds one transform of a random collection, in windows as they are or new ones.
func (g *generator) step() {
	in := g.few(g.any(), rowsMost)
	if g.r.IntN(4) > 0 {
		in = g.windowed(in)
	}
	t := transforms[g.r.IntN(len(transforms))]
	if took, ok := t.do(g, in); ok {
		g.covers(t.name, took, "")
	}
}

// each is the interpreter's row-by-row transform.
func (f flow) each(coll leat.PCollection[record], do func(record) []record) flow {
	out := f
	out.coll, out.rows = coll, nil
	for _, n := range f.rows {
		for _, r := range do(n.row) {
			made := n
			made.row = r
			out.rows = append(out.rows, made)
		}
	}
	return out
}

func keepIf(keep func(record) bool) func(record) []record {
	return func(r record) []record {
		if keep(r) {
			return []record{r}
		}
		return nil
	}
}

// few filters a collection until it has no more than so many rows.
func (g *generator) few(in flow, most int) flow {
	for part := uint64(2); g.decide(len(in.rows) > most); part++ {
		keep := func(r record) bool {
			h := fnv.New64a()
			h.Write([]byte(naive{row: r}.String()))
			return h.Sum64()%part == 0
		}
		in = in.each(leat.Filter(in.coll, g.name("few"), keep), keepIf(keep))
	}
	return in
}

func (g *generator) mapRows(in flow) {
	plus := int64(g.r.IntN(9))
	do := func(r record) record {
		r.N, r.P = (r.N+plus)%1000, &plus
		return r
	}
	g.add(in.each(leat.Map(in.coll, g.name("map"), do), func(r record) []record { return []record{do(r)} }))
}

func (g *generator) filter(in flow) {
	keep := func(r record) bool { return r.N%3 != 0 }
	g.add(in.each(leat.Filter(in.coll, g.name("filter"), keep), keepIf(keep)))
}

func (g *generator) where(in flow) {
	kind, bound := g.r.IntN(5), int64(g.r.IntN(20))
	cond := func(e *record) field.Cond {
		return [...]field.Cond{
			field.AtLeast(&e.N, bound),
			field.Not(field.Equal(e.P, 3)),
			field.Or(field.IsNull(e.P), field.In(&e.K, "a", "c")),
			field.And(field.NotEqual(&e.K, "b"), field.Between(&e.N, -5, bound)),
			field.Greater(&e.At, time.Unix(bound, 0)),
		}[kind]
	}
	keep := func(r record) bool {
		switch kind {
		case 0:
			return r.N >= bound
		case 1:
			return r.P != nil && *r.P != 3
		case 2:
			return r.P == nil || r.K == "a" || r.K == "c"
		case 3:
			return r.K != "b" && r.N >= -5 && r.N <= bound
		}
		return r.At.After(time.Unix(bound, 0))
	}
	g.add(in.each(leat.Where(in.coll, g.name("where"), cond), keepIf(keep)))
}

func (g *generator) flatMap(in flow) {
	do := func(r record) []record {
		out := make([]record, r.N&3%3)
		for i := range out {
			out[i] = r
			out[i].K += string(rune('x' + i))
		}
		return out
	}
	g.add(in.each(leat.FlatMap(in.coll, g.name("flatmap"), func(r record) iter.Seq[record] { return slices.Values(do(r)) }), do))
}

// parting sends rows without P to its side output, twice.
type parting struct{ Side leat.Output[record] }

func (d *parting) Process(_ *leat.Context, r record, emit leat.Emit[record]) error {
	if r.P != nil {
		emit(r)
		return nil
	}
	d.Side.Emit(r)
	d.Side.Emit(r)
	return nil
}

func (g *generator) parDo(in flow) {
	d := &parting{}
	out := leat.ParDo(in.coll, g.name("pardo"), d)
	g.add(in.each(out, keepIf(func(r record) bool { return r.P != nil })))
	g.add(in.each(d.Side.Collection(), func(r record) []record {
		if r.P == nil {
			return []record{r, r}
		}
		return nil
	}))
}

// flatten merges two collections, often one with a descendant of itself: a
// diamond.
func (g *generator) flatten(in flow) (flow, bool) {
	a, b := alike(in, g.any())
	out := a
	out.coll, out.rows, out.far = leat.Flatten(a.coll, b.coll), slices.Concat(a.rows, b.rows), a.far || b.far
	g.add(out)
	return a, true
}

// alike puts both collections into the windows of the first, unless they are.
func alike(a, b flow) (flow, flow) {
	if a.grouped != b.grouped || !a.fn.Equal(b.fn) {
		return rewindow(a, a.fn), rewindow(b, a.fn)
	}
	return a, b
}
