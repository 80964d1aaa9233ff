package state

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/agg"
)

// item is what the cells of the tests hold: all that has to be copied.
type item struct {
	Name string
	Tags []string
	More *int64
	By   map[string]string
}

func (i item) text() string {
	more := "nil"
	if i.More != nil {
		more = fmt.Sprint(*i.More)
	}
	return fmt.Sprint(i.Name, i.Tags, more, i.By)
}

// every has a cell of each kind.
type every struct {
	One     Value[item]
	Number  Value[int64]
	Many    List[item]
	Sorted  OrderedList[string]
	Texts   Map[string, item]
	Numbers Set[int32]
	Sum     Combining[int64, int64]
}

func newEvery(t *testing.T) (*every, *Cells) {
	t.Helper()
	e := &every{Sum: CombiningOf(agg.Into(func(v, sum *int64) []agg.Term { return []agg.Term{agg.Sum(sum, v)} }))}
	d, err := Declare(e)
	if err != nil {
		t.Fatal(err)
	}
	return e, d.Open(e, nil)
}

// shadow is what a slot should hold.
type shadow struct {
	one     string
	number  int64
	many    []string
	sorted  []string // "number text"
	texts   map[string]string
	numbers map[int32]bool
	sum     int64
	adds    int
}

// draw makes an item in memory that is overwritten right after it was written.
func draw(r *rand.Rand) (item, func()) {
	buffer := []byte(strings.Repeat(string(rune('a'+r.IntN(26))), 1+r.IntN(9)))
	name := string(buffer)
	n := r.Int64N(100)
	i := item{Name: name, Tags: []string{name, "x"}, By: map[string]string{name: "y"}}
	if r.IntN(2) == 0 {
		i.More = &n
	}
	return i, func() {
		i.Tags[0] = "overwritten"
		i.By[name] = "overwritten"
		n = -1
	}
}

// Every cell holds for each slot what was written to it, and a copy of it, whatever
// happens to other slots; and gives all memory back.
func TestCells(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		e, cells := newEvery(t)
		slots := make([]shadow, 1+r.IntN(9))
		cells.Grow(len(slots))
		empty := cells.SizeBytes()
		for range 400 {
			slot := r.IntN(len(slots))
			cells.Row(int32(slot), 7)
			change(r, e, &slots[slot])
			if r.IntN(40) == 0 {
				cells.Reset([]int32{int32(slot)})
				slots[slot] = shadow{}
			}
			compareCells(t, e, cells, slots)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		all := make([]int32, len(slots))
		for i := range all {
			all[i] = int32(i)
		}
		cells.Reset(all)
		table := e.Sum.tables
		if got := cells.SizeBytes() - 8*int64(cap(table.values)); got != empty {
			t.Fatalf("seed %d: %d bytes are held after all slots were emptied, %d before anything was written", seed, got, empty)
		}
	}
}

// change writes to one of the cells, and to the shadow.
func change(r *rand.Rand, e *every, s *shadow) {
	i, spoil := draw(r)
	text := i.text()
	switch r.IntN(14) {
	case 0:
		e.One.Write(i)
		s.one = text
	case 1:
		e.One.Clear()
		s.one = ""
	case 2:
		s.number++
		e.Number.Write(e.Number.Get() + 1)
	case 3, 4:
		e.Many.Append(i)
		s.many = append(s.many, text)
	case 5:
		values := e.Many.Read()
		if len(values) > 2 {
			values, s.many = values[1:], s.many[1:]
		}
		e.Many.Write(values)
	case 6, 7, 8:
		at := r.Int64N(6)
		e.Sorted.Add(at, i.Name)
		s.sorted = append(s.sorted, fmt.Sprint(at, " ", i.Name))
		slices.Sort(s.sorted)
	case 9:
		least := r.Int64N(6)
		e.Sorted.ClearRange(least, least+2)
		s.sorted = slices.DeleteFunc(s.sorted, func(v string) bool { return int64(v[0]-'0') == least || int64(v[0]-'0') == least+1 })
	case 10:
		e.Texts.Put(i.Name[:1], i)
		if s.texts == nil {
			s.texts = make(map[string]string)
		}
		s.texts[i.Name[:1]] = text
	case 11:
		e.Texts.Remove(i.Name[:1])
		delete(s.texts, i.Name[:1])
	case 12:
		n := r.Int32N(20) - 10
		if s.numbers == nil {
			s.numbers = make(map[int32]bool)
		}
		if e.Numbers.Contains(n) {
			e.Numbers.Remove(n)
			delete(s.numbers, n)
		} else {
			e.Numbers.Add(n)
			s.numbers[n] = true
		}
	case 13:
		n := r.Int64N(1000)
		e.Sum.Add(n)
		s.sum, s.adds = s.sum+n, s.adds+1
	}
	spoil()
}

func compareCells(t *testing.T, e *every, cells *Cells, slots []shadow) {
	t.Helper()
	for slot, want := range slots {
		cells.Row(int32(slot), 0)
		var got shadow
		if one, ok := e.One.Read(); ok {
			got.one = one.text()
		}
		got.number = e.Number.Get()
		for _, i := range e.Many.Read() {
			got.many = append(got.many, i.text())
		}
		for at, name := range e.Sorted.Range(-5, 100) {
			got.sorted = append(got.sorted, fmt.Sprint(at, " ", name))
		}
		got.texts = make(map[string]string)
		var keys []string
		for k, v := range e.Texts.All() {
			keys = append(keys, k)
			got.texts[k] = v.text()
		}
		numbers := e.Numbers.Values()
		sum, ok := e.Sum.Read()
		if got.one != want.one || got.number != want.number || !slices.Equal(got.many, want.many) || !slices.Equal(got.sorted, want.sorted) ||
			!maps.Equal(got.texts, want.texts) || !slices.IsSorted(keys) || len(numbers) != len(want.numbers) || !slices.IsSorted(numbers) || sum != want.sum || ok != (want.adds > 0) {
			t.Errorf("slot %d: got %+v sum %d, keys %v, numbers %v\nwant %+v", slot, got, sum, keys, numbers, want)
		}
		for n := range want.numbers {
			if !e.Numbers.Contains(n) {
				t.Errorf("slot %d: %d is not there", slot, n)
			}
		}
		if nothing := want.one == "" && want.number == 0 && len(want.many)+len(want.sorted)+len(want.texts)+len(want.numbers)+want.adds == 0; nothing != cells.Empty(int32(slot)) {
			t.Errorf("slot %d: empty is %t", slot, !nothing)
		}
	}
}

// Keys of a map are in the order of canonical bytes, for types that take the short
// way and for others.
func TestCanonicalOrder(t *testing.T) {
	type name string
	type pair struct {
		A int16
		B string
	}
	sorted(t, []string{"", "a", "a\x00", "b"})
	sorted(t, []int64{-1 << 62, -1, 0, 7})
	sorted(t, []name{"", "a", "b"})
	sorted(t, []float64{-3, 0, 0.5, 2})
	sorted(t, []pair{{-1, "z"}, {0, "a"}, {0, "b"}})
	sorted(t, []bool{false, true})
}

func sorted[T comparable](t *testing.T, want []T) {
	t.Helper()
	order := canonicalOf[T]()
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, order.compare)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
