package state

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
)

// drawKeys makes a string column, as a dictionary or not, and an integer column,
// some of whose rows are null when nulls are asked for.
func drawKeys(r *rand.Rand, n, keys int, nulls bool) []*batch.Column {
	texts := make([]string, keys)
	for i := range texts {
		texts[i] = fmt.Sprintf("key-%d-%0*d", i, i%30, 0)
	}
	text := &batch.Column{Type: &batch.Type{Kind: batch.String}, Len: n}
	if r.IntN(2) == 0 {
		d := &batch.Dictionary{}
		for _, i := range r.Perm(keys) {
			d.Append(texts[i])
		}
		text.Dict = d
		for range n {
			text.Codes = append(text.Codes, int32(r.IntN(keys)))
		}
	} else {
		for range n {
			text.Strings.Append(texts[r.IntN(keys)])
		}
	}
	numbers := make([]int64, n)
	for i := range numbers {
		numbers[i] = int64(r.IntN(5))
	}
	columns := []*batch.Column{text, batch.NewInts(&batch.Type{Kind: batch.Int64}, numbers)}
	for _, c := range columns {
		if !nulls || r.IntN(2) == 0 {
			continue
		}
		c.Valid = batch.NewBitmap(n)
		for i := range n {
			if r.IntN(4) > 0 {
				c.Valid.Set(i)
			}
		}
	}
	return columns
}

// Tuples give equal lists of keys one dense id and different ones another.
// Finders, several at once, find exactly those, and nothing for null.
func TestTuplesAndFinders(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, width := range []int{1, 2} {
		types := []*batch.Type{{Kind: batch.String}, {Kind: batch.Int64}}[:width]
		tuples, known := NewTuples(types), map[string]int32{}
		for range 20 {
			columns := drawKeys(r, 1+r.IntN(300), 60, false)[:width]
			rows := subset(r, columns[0].Len)
			ids := make([]int32, len(rows))
			tuples.Lookup(columns, rows, ids)
			for i, row := range rows {
				name := rowName(columns, int(row))
				id, ok := known[name]
				if !ok {
					id = int32(len(known))
					known[name] = id
				}
				if ids[i] != id {
					t.Fatalf("%s has id %d, want %d", name, ids[i], id)
				}
			}
		}
		if tuples.Len() != len(known) {
			t.Fatalf("%d ids, want %d", tuples.Len(), len(known))
		}
		var tasks sync.WaitGroup
		for task := range uint64(4) {
			tasks.Go(func() { findAll(t, rand.New(rand.NewPCG(4, task)), tuples.Finder(), width, known) })
		}
		tasks.Wait()
	}
}

func findAll(t *testing.T, r *rand.Rand, f *TupleFinder, width int, known map[string]int32) {
	for range 30 {
		columns := drawKeys(r, 1+r.IntN(300), 90, true)[:width]
		rows := subset(r, columns[0].Len)
		ids := make([]int32, len(rows))
		f.Find(columns, rows, ids)
		for i, row := range rows {
			want, ok := known[rowName(columns, int(row))]
			if !ok {
				want = -1
			}
			if ids[i] != want {
				t.Errorf("%s: found %d, want %d", rowName(columns, int(row)), ids[i], want)
			}
		}
	}
}

// subset returns rows of [0, n) in ascending order.
func subset(r *rand.Rand, n int) []int32 {
	var rows []int32
	for i := range n {
		if r.IntN(3) > 0 {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

func rowName(columns []*batch.Column, row int) string {
	name := ""
	for _, c := range columns {
		if c.Null(row) {
			return "null"
		}
		name += c.Format(row) + "|"
	}
	return name
}
