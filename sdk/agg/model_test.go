package agg

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/leatflow/leat/sdk/field"
)

// item is a row with every kind of field that aggregates treat differently.
type item struct {
	I      int64
	U      uint64
	F      float64
	S      string
	Small  *int32
	Ratio  *float32
	Nested nested
	At     time.Time
	Seq    int32
	Flag   bool
}

type nested struct {
	Name string
	N    *int64
	U    uint64
	Tags []string
}

// exactOut has a field for every aggregate whose result the model computes to
// the bit.
type exactOut struct {
	Count, Flagged, Smalls, FlaggedSmalls int64
	SumI                                  float64 // may not fit int64
	SumU                                  float64
	SumF                                  float64
	SumSmall                              *int64
	MeanI, MeanU, MeanF                   float64
	MeanSmall, MeanRatio, MeanFlagged     *float64
	MinI, MaxI                            int64
	MinU, MaxU                            uint64
	MinF, MaxF                            float64
	MinS, MaxS                            string
	MaxAt                                 time.Time
	MinSmall, MaxFlagged                  *int64
	VarI, VarF, DevSmall                  *float64
	PopVarF                               float64
	PopDevI                               float64
	First, LastFlagged                    *string
	Last                                  float64
	LastNested                            nested
	FirstU                                uint64
	FirstBy                               string
	First3, Last2                         []int64
	Top2, TopBy                           []string
	Bottom2                               []float64
	List                                  []nested
	Set                                   []string
	SetF                                  []float64
	SetNested                             []nested
	Distinct, DistinctS, Approx           int64
	Histogram                             []int64
	Key                                   string
	Start, End                            time.Time
}

func describeExact(e *item, o *exactOut) []Term {
	flagged := field.Equal(&e.Flag, true)
	return []Term{
		Count(&o.Count), Where(flagged, Count(&o.Flagged), CountOf(&o.FlaggedSmalls, e.Small)), CountOf(&o.Smalls, e.Small),
		Sum(&o.SumI, &e.I), Sum(&o.SumU, &e.U), Sum(&o.SumF, &e.F), Sum(o.SumSmall, e.Small),
		Mean(&o.MeanI, &e.I), Mean(&o.MeanU, &e.U), Mean(&o.MeanF, &e.F), Mean(o.MeanSmall, e.Small), Mean(o.MeanRatio, e.Ratio),
		Where(flagged, Mean(o.MeanFlagged, &e.F), Max(o.MaxFlagged, &e.I), Last(o.LastFlagged, &e.S)),
		Min(&o.MinI, &e.I), Max(&o.MaxI, &e.I), Min(&o.MinU, &e.U), Max(&o.MaxU, &e.U),
		Min(&o.MinF, &e.F), Max(&o.MaxF, &e.F), Min(&o.MinS, &e.S), Max(&o.MaxS, &e.S), Max(&o.MaxAt, &e.At),
		Where(field.Not(field.IsNull(e.Small)), Min(o.MinSmall, &e.I)),
		Variance(o.VarI, &e.I), Variance(o.VarF, &e.F), StdDev(o.DevSmall, e.Small),
		PopulationVariance(&o.PopVarF, &e.F), PopulationStdDev(&o.PopDevI, &e.I),
		First(o.First, &e.S), Last(&o.Last, &e.F), Last(&o.LastNested, &e.Nested), First(&o.FirstU, &e.U), First(&o.FirstBy, &e.S, By(&e.Seq)),
		FirstN(&o.First3, &e.I, 3), LastN(&o.Last2, &e.I, 2),
		TopK(&o.Top2, &e.S, 2), TopK(&o.TopBy, &e.S, 2, By(e.Small)), BottomK(&o.Bottom2, &e.F, 2),
		CollectList(&o.List, &e.Nested), CollectSet(&o.Set, &e.S), CollectSet(&o.SetF, &e.F), CollectSet(&o.SetNested, &e.Nested),
		CountDistinct(&o.Distinct, &e.I), CountDistinct(&o.DistinctS, &e.S), ApproxCountDistinct(&o.Approx, &e.U),
		Histogram(&o.Histogram, &e.F, -1, 0, 10),
		Key(&o.Key), WindowStart(&o.Start), WindowEnd(&o.End),
	}
}

// model computes the expected result from the rows of a group, of which there
// is at least one, in the plainest way.
func model(rows []item, key string, start, end int64) exactOut {
	rows = slices.Clone(rows)
	var o exactOut
	o.Key, o.Start, o.End = key, time.UnixMicro(start).UTC(), time.UnixMicro(end).UTC()
	o.Count = int64(len(rows))
	flagged := keep(rows, func(e item) bool { return e.Flag })
	small := keep(rows, func(e item) bool { return e.Small != nil })
	o.Flagged, o.Smalls = int64(len(flagged)), int64(len(small))
	o.FlaggedSmalls = int64(len(keep(flagged, func(e item) bool { return e.Small != nil })))
	i := numbers(rows, func(e item) *number { return ofInt(big.NewInt(e.I)) })
	u := numbers(rows, func(e item) *number { return ofInt(new(big.Int).SetUint64(e.U)) })
	f := numbers(rows, func(e item) *number { return ofFloat(e.F) })
	s := numbers(small, func(e item) *number { return ofInt(big.NewInt(int64(*e.Small))) })
	r := numbers(keep(rows, func(e item) bool { return e.Ratio != nil }), func(e item) *number { return ofFloat(float64(*e.Ratio)) })
	o.SumI, o.SumU, o.SumF = *i.sum(), *u.sum(), *f.sum()
	if s.n > 0 {
		total := int64(*s.sum())
		o.SumSmall = &total
	}
	o.MeanI, o.MeanU, o.MeanF, o.MeanSmall, o.MeanRatio = *i.mean(), *u.mean(), *f.mean(), s.mean(), r.mean()
	o.MeanFlagged = numbers(flagged, func(e item) *number { return ofFloat(e.F) }).mean()
	o.VarI, o.VarF, o.DevSmall = i.variance(1), f.variance(1), root(s.varianceExact(1))
	o.PopVarF, o.PopDevI = *f.variance(0), *root(i.varianceExact(0))
	extremes(&o, rows, flagged, small)
	ordered(&o, rows, flagged)
	for _, e := range rows {
		if o.Histogram == nil {
			o.Histogram = make([]int64, 4)
		}
		switch {
		case e.F < -1:
			o.Histogram[0]++
		case e.F < 0:
			o.Histogram[1]++
		case e.F < 10:
			o.Histogram[2]++
		default:
			o.Histogram[3]++
		}
	}
	return o
}

func extremes(o *exactOut, rows, flagged, small []item) {
	by := func(rows []item, less func(a, b item) bool) item {
		best := rows[0]
		for _, e := range rows[1:] {
			if less(e, best) {
				best = e
			}
		}
		return best
	}
	o.MinI = by(rows, func(a, b item) bool { return a.I < b.I }).I
	o.MaxI = by(rows, func(a, b item) bool { return a.I > b.I }).I
	o.MinU = by(rows, func(a, b item) bool { return a.U < b.U }).U
	o.MaxU = by(rows, func(a, b item) bool { return a.U > b.U }).U
	o.MinF = plusZero(by(rows, func(a, b item) bool { return floatBits(a.F) < floatBits(b.F) }).F)
	o.MaxF = plusZero(by(rows, func(a, b item) bool { return floatBits(a.F) > floatBits(b.F) }).F)
	o.MinS = by(rows, func(a, b item) bool { return a.S < b.S }).S
	o.MaxS = by(rows, func(a, b item) bool { return a.S > b.S }).S
	o.MaxAt = by(rows, func(a, b item) bool { return a.At.After(b.At) }).At
	if len(small) > 0 {
		v := by(small, func(a, b item) bool { return a.I < b.I }).I
		o.MinSmall = &v
	}
	if len(flagged) > 0 {
		v := by(flagged, func(a, b item) bool { return a.I > b.I }).I
		o.MaxFlagged = &v
	}
}

func plusZero(v float64) float64 { return canonicalFloat(v) }

// ordered fills what depends on the order of rows: sorted by time, then by the
// key bytes of the tie-break field, then by those of the value.
func ordered(o *exactOut, rows, flagged []item) {
	values := func(rows []item, of func(item) any, by func(item) any) []item {
		return sorted(rows, func(e item) string {
			return fmt.Sprintf("%020d", uint64(e.At.UnixMicro())^1<<63) + keyOf(by(e)) + keyOf(of(e))
		})
	}
	none := func(item) any { return 0 }
	text := func(e item) any { return e.S }
	byText := values(rows, text, none)
	o.First = &byText[0].S
	if last := values(flagged, text, none); len(last) > 0 {
		o.LastFlagged = &last[len(last)-1].S
	}
	byF := values(rows, func(e item) any { return e.F }, none)
	o.Last = plusZero(byF[len(byF)-1].F)
	byNested := values(rows, func(e item) any { return e.Nested }, none)
	o.LastNested = byNested[len(byNested)-1].Nested
	for _, e := range byNested {
		o.List = append(o.List, e.Nested)
	}
	o.FirstU = values(rows, func(e item) any { return e.U }, none)[0].U
	o.FirstBy = values(rows, text, func(e item) any { return e.Seq })[0].S
	byI := values(rows, func(e item) any { return e.I }, none)
	for _, e := range byI[:min(3, len(byI))] {
		o.First3 = append(o.First3, e.I)
	}
	for _, e := range byI[max(0, len(byI)-2):] {
		o.Last2 = append(o.Last2, e.I)
	}
	top := sorted(rows, func(e item) string { return keyOf(e.S) })
	slices.Reverse(top)
	for _, e := range top[:min(2, len(top))] {
		o.Top2 = append(o.Top2, e.S)
	}
	ranked := sorted(rows, func(e item) string {
		return keyOf(e.Small) + fmt.Sprintf("%020d", uint64(e.At.UnixMicro())^1<<63) + keyOf(e.S)
	})
	slices.Reverse(ranked)
	for _, e := range ranked[:min(2, len(ranked))] {
		o.TopBy = append(o.TopBy, e.S)
	}
	byValue := sorted(rows, func(e item) string { return keyOf(e.F) })
	for _, e := range byValue[:min(2, len(byValue))] {
		o.Bottom2 = append(o.Bottom2, plusZero(e.F))
	}
	eachOnce(rows, func(e item) string { return keyOf(e.S) }, func(e item) { o.Set = append(o.Set, e.S) })
	eachOnce(rows, func(e item) string { return keyOf(e.F) }, func(e item) { o.SetF = append(o.SetF, plusZero(e.F)) })
	eachOnce(rows, func(e item) string { return keyOf(e.Nested) }, func(e item) { o.SetNested = append(o.SetNested, e.Nested) })
	eachOnce(rows, func(e item) string { return keyOf(e.I) }, func(item) { o.Distinct++ })
	eachOnce(rows, func(e item) string { return keyOf(e.U) }, func(item) { o.Approx++ })
	o.DistinctS = int64(len(o.Set))
}

func eachOnce(rows []item, key func(item) string, add func(item)) {
	last := ""
	for i, e := range sorted(rows, key) {
		if k := key(e); i == 0 || k != last {
			add(e)
			last = k
		}
	}
}
