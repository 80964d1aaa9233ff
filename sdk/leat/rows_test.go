package leat

import (
	"errors"
	"iter"
	"reflect"
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// number is a batch of one row of int64 that takes back an earlier one.
func number(t *testing.T, n int64) *batch.Batch {
	t.Helper()
	e := mustCodec[int64]().NewEncoder()
	if err := e.Append([]int64{n}); err != nil {
		t.Fatal(err)
	}
	return &batch.Batch{Root: e.Finish(), Time: []int64{7}, Start: []int64{0}, End: []int64{10}, Retract: []bool{true}}
}

// steps are the kinds of user code that make new rows.
func steps() map[string]graph.RowFn {
	numbers := mustCodec[int64]()
	in := decoder[int64](numbers)
	return map[string]graph.RowFn{
		"map": &mapFn[int64, int64]{in: newRowsIn(in), encode: numbers.NewEncoder(), f: func(n int64) int64 { return n }},
		"flatmap": &flatMapFn[int64, int64]{in: newRowsIn(in), out: newRowsOut(numbers, 0), f: func(n int64) iter.Seq[int64] {
			return func(yield func(int64) bool) {
				for range n {
					if !yield(n) {
						return
					}
				}
			}
		}},
		"pardo": newParDo(in, numbers, Do(func(_ *Context, n int64, emit Emit[int64]) error {
			for range n {
				emit(n)
			}
			return nil
		}), nil),
	}
}

func TestRowsInherit(t *testing.T) {
	// New rows have time, window and kind of the row they were made of.
	for name, step := range steps() {
		in := number(t, 1)
		var got *batch.Batch
		if err := step.Process(t.Context(), in, func(_ int, b *batch.Batch) error { got = b; return nil }); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, in) {
			t.Errorf("%s: got %+v, want %+v", name, got, in)
		}
	}
}

func TestPanicBelow(t *testing.T) {
	// A panic of the engine while a full batch is passed on is not reported as
	// one of the user's function, and an error is passed as it is.
	below := errors.New("below")
	for name, step := range steps() {
		if name == "map" { // passes on when the user's code has returned
			continue
		}
		if err := step.Process(t.Context(), number(t, 10_000), func(int, *batch.Batch) error { return below }); err != below {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, step := range steps() {
		func() {
			defer func() {
				if v := recover(); v != "engine" {
					t.Errorf("%s: recovered %v", name, v)
				}
			}()
			err := step.Process(t.Context(), number(t, 10_000), func(int, *batch.Batch) error { panic("engine") })
			t.Errorf("%s: got error %v", name, err)
		}()
	}
}

func TestPlace(t *testing.T) {
	// The test of a package is outside of it.
	if got := place(); !strings.HasPrefix(got, "leat/rows_test.go:") {
		t.Errorf("got %s", got)
	}
}
