package leat

import (
	"context"
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// Join calls f for each pair of a row of a and a row of b with an equal key in the
// same window, and takes what it returns. Both must be in the same windows; a row
// in several windows is joined in each. A key with a null in it is equal to none.
// A result has the last moment of its window as event time and stays in that
// window. f may be called from several goroutines at once.
//
// In a batch plan the side to be held in memory is b: give the smaller one there. On
// the streaming plan both are, until the watermark has passed the end of their window. LeftJoin and
// FullJoin keep rows without a match, CoGroup gives all rows of a key at once, and
// AsOf the latest one.
func Join[K comparable, A, B, R any](a PCollection[KV[K, A]], b PCollection[KV[K, B]], name string, f func(K, A, B) R) PCollection[R] {
	s := a.begin(name)
	return join(s, graph.Inner, a, b, f == nil, func(k K, a *A, b *B) R { return f(k, *a, *b) })
}

// LeftJoin is Join, but calls f with nil for the rows of a that no row of b
// matches. The key is the zero value where it is null or has a null in it.
func LeftJoin[K comparable, A, B, R any](a PCollection[KV[K, A]], b PCollection[KV[K, B]], name string, f func(K, A, *B) R) PCollection[R] {
	s := a.begin(name)
	return join(s, graph.Left, a, b, f == nil, func(k K, a *A, b *B) R { return f(k, *a, b) })
}

// FullJoin is Join, but calls f with nil on one side for the rows of the other that
// nothing matches. The key is the zero value where it is null or has a null in it.
func FullJoin[K comparable, A, B, R any](a PCollection[KV[K, A]], b PCollection[KV[K, B]], name string, f func(K, *A, *B) R) PCollection[R] {
	s := a.begin(name)
	return join(s, graph.Full, a, b, f == nil, f)
}

// join checks what joins of pairs have in common.
func join[K comparable, A, B, R any](s *step, kind graph.JoinKind, a PCollection[KV[K, A]], b PCollection[KV[K, B]], isNil bool, f func(K, *A, *B) R) PCollection[R] {
	if bothSides(s, a, b) {
		s.check(joinable(a.edge, b.edge))
	}
	return joined(s, &graph.Join{Match: kind}, a, b, isNil, f)
}

// bothSides checks the inputs of a step with two and reports whether both are there.
func bothSides[A, B any](s *step, a PCollection[A], b PCollection[B]) bool {
	if b.owner("the second input of step", s.name) != s.p {
		s.check(errors.New("input 2 belongs to another pipeline"))
	}
	return a.valid() && b.valid()
}

// joinable checks that rows of two sides can be in the same window. Whether a
// grouping step has put them there makes no difference.
func joinable(a, b graph.Edge) error {
	w := a.Windowing()
	if w.Fn.Kind() == window.KindSession && !(w.Grouped && b.Windowing().Grouped) {
		return fmt.Errorf("a join of pairs cannot have %s windows, which grow with the rows of both sides together; leat.CoGroup can", w.Fn)
	}
	if !w.Fn.Equal(b.Windowing().Fn) {
		return fmt.Errorf("input 2: %w", sameWindows(w, b.Windowing()))
	}
	for i, in := range []graph.Windowing{w, b.Windowing()} {
		if !in.Strategy.Simple() {
			return fmt.Errorf("input %d: a join of pairs comes once, at the end of the window, and takes no late rows, but its windows are %s; leat.CoGroup has triggers and lateness, or put the rows into windows without options with leat.Window", i+1, in)
		}
	}
	return bothTimed(a, b)
}

// bothTimed refuses windows over rows of either side that have no event time.
func bothTimed(a, b graph.Edge) error {
	var errs []error
	for i, e := range []graph.Edge{a, b} {
		if err := timeFits(e); err != nil {
			errs = append(errs, fmt.Errorf("input %d: %w", i+1, err))
		}
	}
	return errors.Join(errs...)
}

// joined appends two steps: one that puts columns side by side, and one that runs f.
func joined[K comparable, A, B, R any](s *step, op *graph.Join, a PCollection[KV[K, A]], b PCollection[KV[K, B]], isNil bool, f func(K, *A, *B) R) PCollection[R] {
	out, err := codec.For[R]()
	s.check(err)
	if isNil {
		s.check(errNilFunction)
	}
	if !s.ok(a.valid() && b.valid()) {
		return failed[R](s.p)
	}
	left, right := a.edge.Type(), b.edge.Type()
	op.Key = eitherNull(left.Fields[0].Type, right.Fields[0].Type)
	w := a.edge.Windowing()
	switch {
	case op.Match == graph.Interval:
		w.Grouped = false // a pair has a time of its own
	case op.Match != graph.AsOf:
		w.Grouped = true
	}
	sides := &step{p: s.p, name: s.name + ".join"}
	n := sides.add(op, []graph.Edge{a.edge, b.edge}, graph.Output{Type: op.JoinType(left, right), Windowing: w})
	key, la, rb := halves(a).key, halves(a).value, halves(b).value
	rows := &graph.Rows{Name: "map", New: func() (graph.RowFn, error) {
		return &joinFn[K, A, B, R]{key: key, left: la, right: rb, encode: out.NewEncoder(), f: f}, nil
	}}
	n = s.add(rows, []graph.Edge{{Node: n}}, graph.Output{Type: out.Type(), Windowing: w})
	return PCollection[R]{s.p, graph.Edge{Node: n}, out}
}

// eitherNull returns the type of keys of two sides: what is nullable in one is.
func eitherNull(a, b *batch.Type) *batch.Type {
	t := *a
	t.Nullable = a.Nullable || b.Nullable
	t.Fields = append([]batch.Field(nil), a.Fields...)
	for i := range t.Fields {
		t.Fields[i].Type = eitherNull(a.Fields[i].Type, b.Fields[i].Type)
	}
	return &t
}

// joinFn calls the function of a join with the rows of a graph.Join.
type joinFn[K, A, B, R any] struct {
	stateless
	blame
	key    decoder[K]
	left   decoder[A]
	right  decoder[B]
	encode *codec.Encoder[R]
	out    [chunkRows]R
	f      func(K, *A, *B) R
}

// joinedRow is what an error message shows.
type joinedRow[K, A, B any] struct {
	Key   K
	Left  *A
	Right *B
}

// Process implements graph.RowFn.
func (j *joinFn[K, A, B, R]) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	b = b.Compact()
	valid := keyValid(b.Root.Children[0])
	left, right := b.Root.Children[1], b.Root.Children[2]
	for from := 0; from < b.Len(); from += chunkRows {
		to := min(from+chunkRows, b.Len())
		keys, err := decodeWhere(j.key, b.Root.Children[0], valid, from, to)
		if err != nil {
			return err
		}
		as, err := decodeWhere(j.left, left.Children[0], left.Valid, from, to)
		if err != nil {
			return err
		}
		bs, err := decodeWhere(j.right, right.Children[0], right.Valid, from, to)
		if err != nil {
			return err
		}
		if err := j.chunk(from, keys, pointers(as, left.Valid, from), pointers(bs, right.Valid, from)); err != nil {
			return err
		}
	}
	return emit(0, b.WithRoot(j.encode.Finish()))
}

func (j *joinFn[K, A, B, R]) chunk(from int, keys []K, as []*A, bs []*B) error {
	at := 0
	return j.guard(func() error {
		for at = range keys {
			j.out[at] = j.f(keys[at], as[at], bs[at])
		}
		return j.ours(func() error { return encode(j.encode, j.out[:len(keys)]) })
	}, func() any { return joinedRow[K, A, B]{keys[at], as[at], bs[at]} })
}

// keyValid returns which keys have no null in them; nil: all.
func keyValid(key *batch.Column) batch.Bitmap {
	valid := key.Valid
	if key.Type.Kind != batch.Struct {
		return valid
	}
	for _, c := range key.Children {
		valid = batch.And(valid, keyValid(c), key.Len)
	}
	return valid
}

// decodeWhere decodes rows [from, to) into new memory, so that the user may keep
// them; those that are not valid are zero.
func decodeWhere[T any](d decoder[T], c *batch.Column, valid batch.Bitmap, from, to int) ([]T, error) {
	rows := make([]int32, 0, to-from)
	for i := from; i < to; i++ {
		if valid == nil || valid.Get(i) {
			rows = append(rows, int32(i))
		}
	}
	out := make([]T, to-from)
	if len(rows) == 0 {
		return out, nil
	}
	if err := d.Decode(c, rows, out[:len(rows)]); err != nil {
		return nil, err
	}
	if len(rows) == len(out) {
		return out, nil
	}
	var zero T
	for i := len(rows) - 1; i >= 0; i-- { // each moves to its place, the last first
		to := int(rows[i]) - from
		if to != i {
			out[to], out[i] = out[i], zero
		}
	}
	return out, nil
}

// pointers points to the rows that are valid.
func pointers[T any](rows []T, valid batch.Bitmap, from int) []*T {
	out := make([]*T, len(rows))
	for i := range rows {
		if valid == nil || valid.Get(from+i) {
			out[i] = &rows[i]
		}
	}
	return out
}

// AsOf calls f for each row of a with the latest row of b that has its key and an
// event time that is not after its own, nil when there is none. Of rows of b with
// the same time it is the last in the order of canonical bytes of the value. A key
// with a null in it is equal to none, and the zero value for f. Time and windows of
// a result are those of the row of a; windows do not narrow what of b is looked at,
// which is all there is. f may be called from several goroutines at once.
//
// On the streaming plan a row of a waits until the watermark of b has passed it. Of b
// the last row of each key is kept for ever.
//
// For aggregates over what was before a moment, and for b in several windows of
// time, see transforms/pointintime, where rows of the same time do not count.
func AsOf[K comparable, A, B, R any](a PCollection[KV[K, A]], b PCollection[KV[K, B]], name string, f func(K, A, *B) R) PCollection[R] {
	s := a.begin(name)
	if bothSides(s, a, b) {
		s.check(errors.Join(timed(1, a.edge), timed(2, b.edge)))
	}
	return joined(s, &graph.Join{Match: graph.AsOf}, a, b, f == nil, func(k K, a *A, b *B) R { return f(k, *a, b) })
}

func timed(which int, e graph.Edge) error {
	if hasTime(e, map[graph.Edge]bool{}) {
		return nil
	}
	return fmt.Errorf("input %d: the rows have no event time; give leat.Read the option leat.EventTime or leat.EventTimeField", which)
}
