package agg

import (
	"strings"
	"testing"
)

// geo is a user's accumulator: number, sum and a list.
type geo struct {
	N     int64
	Sum   int64
	Names map[string]int64
}

func (g *geo) Add(e item) {
	if e.S == "panic" {
		panic("bad row")
	}
	g.N, g.Sum = g.N+1, g.Sum+e.I
	if g.Names == nil {
		g.Names = map[string]int64{}
	}
	g.Names[e.S]++
}

func (g *geo) Merge(o *geo) {
	g.N, g.Sum = g.N+o.N, g.Sum+o.Sum
	for k, v := range o.Names {
		if g.Names == nil {
			g.Names = map[string]int64{}
		}
		g.Names[k] += v
	}
}

func (g *geo) Result() geo { return *g }

// TestCustom shows that a user's accumulator is added to, copied, merged, saved
// and loaded without two slots sharing anything.
func TestCustom(t *testing.T) {
	p := mustPlan(t, Custom(func() *geo { return new(geo) }))
	if !p.All() || p.Reads() != nil || p.String() != "custom agg.geo" {
		t.Errorf("all columns are read: %v %v %s", p.All(), p.Reads(), p)
	}
	table := p.NewTable()
	table.Grow(4)
	rows := make([]item, 600) // more than a chunk
	slots := make([]int32, len(rows))
	for i := range rows {
		rows[i].I, rows[i].S, slots[i] = int64(i), string(rune('a'+i%2)), int32(i%2)
	}
	check(t, table.Add(slots, column(rows...), nil, nil))
	check(t, table.Copy([]int32{2}, []int32{0}))
	check(t, table.Merge([]int32{2}, []int32{1})) // must not change slot 0
	saved, err := table.Save([]int32{0, 1, 2, 3})
	check(t, err)
	other := p.NewTable()
	other.Grow(4)
	check(t, other.Load([]int32{3, 2, 1, 0}, saved, nil))
	want := []string{
		`{N=0` + "\n Sum=0\n Names=[]}",
		`{N=600` + "\n Sum=179700\n" + ` Names=["a" 300 "b" 300]}`,
		`{N=300` + "\n Sum=90000\n" + ` Names=["b" 300]}`,
		`{N=300` + "\n Sum=89700\n" + ` Names=["a" 300]}`,
	}
	c, err := other.Results([]int32{0, 1, 2, 3}, nil, nil, nil)
	check(t, err)
	for i := range want {
		if got := render(c, i); got != want[i] {
			t.Errorf("slot %d is %s, want %s", i, got, want[i])
		}
	}
	err = table.Add([]int32{0}, column(item{S: "panic"}), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "accumulator agg.geo panicked: bad row") {
		t.Errorf("a panic in Add is reported as %v", err)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
