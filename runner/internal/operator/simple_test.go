package operator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// collect runs an operator over batches and returns the rows that count of each
// output, as text with time and window.
func collect(t *testing.T, o Operator, batches []*batch.Batch) []string {
	t.Helper()
	var out []string
	emit := func(output int, b *batch.Batch) error {
		if err := batch.Validate(b.Root); err != nil {
			return err
		}
		for i := range b.Len() {
			out = append(out, fmt.Sprint(output, " ", describe(b, b.Row(i))))
		}
		return nil
	}
	for _, b := range batches {
		if err := o.Process(t.Context(), b, emit); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(o.End(t.Context(), emit), o.Close()); err != nil {
		t.Fatal(err)
	}
	return out
}

func describe(b *batch.Batch, row int) string {
	s := fmt.Sprintf("%s at %d", b.Root.Format(row), b.TimeAt(row))
	if b.Start != nil {
		s += fmt.Sprintf(" in [%d,%d)", b.Start[row], b.End[row])
	}
	return s
}

// inputs cuts rows into batches in many ways.
func inputs(t *testing.T, kind keyKind, rows []row, grouped bool) map[string][]*batch.Batch {
	t.Helper()
	all := make(map[string][]*batch.Batch)
	for _, v := range variants(rand.New(rand.NewPCG(5, 6))) {
		c := newChain(t, kind.typ, graph.Windowing{Fn: window.Fixed(micro(10)), Grouped: grouped}, variant{batchRows: v.batchRows,
			tasks: 1, partitions: 1, dictionary: v.dictionary, selection: v.selection, seed: v.seed})
		var batches []*batch.Batch
		for chunk := range slices.Chunk(rows, v.batchRows) {
			batches = append(batches, c.encode(chunk))
		}
		all[v.String()] = batches
	}
	return all
}

// texts renders rows as describe does.
func texts(t *testing.T, kind keyKind, rows []row, grouped bool) []string {
	t.Helper()
	c := newChain(t, kind.typ, graph.Windowing{Fn: window.Fixed(micro(10)), Grouped: grouped}, variant{batchRows: 1, tasks: 1, partitions: 1})
	var out []string
	for _, r := range rows {
		out = append(out, "0 "+describe(c.encode([]row{r}), 0))
	}
	return out
}

// same compares what came out in every variant with what is expected.
func same(t *testing.T, kind keyKind, rows []row, grouped bool, make func() Operator, want []string) {
	t.Helper()
	for v, batches := range inputs(t, kind, rows, grouped) {
		if got := collect(t, make(), batches); !slices.Equal(got, want) {
			t.Fatalf("%s: got %d rows\n%q\nwant %d\n%q", v, len(got), got, len(want), want)
		}
	}
}

// Where keeps the rows that meet the condition and nothing of those a selection
// has left out already.
func TestWhere(t *testing.T) {
	kind := keyKinds[0]
	rows := randomRows(rand.New(rand.NewPCG(1, 1)), kind, 200, 50)
	type keyed struct {
		Key   *string `leat:"key"`
		Value value   `leat:"value"`
	}
	p, err := field.Describe(func(r *keyed) field.Cond {
		return field.And(field.Not(field.Equal(r.Key, "a")), field.Or(field.AtLeast(r.Value.V, 0), field.IsNull(r.Value.V)))
	})
	if err != nil {
		t.Fatal(err)
	}
	var kept []row
	for _, r := range rows {
		if r.key != nil && r.key != "a" && (r.v == nil || *r.v >= 0) {
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 || len(kept) == len(rows) {
		t.Fatal("the condition decides nothing")
	}
	same(t, kind, rows, false, func() Operator { return NewWhere(p) }, texts(t, kind, kept, false))
}

// Project gives the columns asked for, with the nulls of the structs they were in.
func TestProject(t *testing.T) {
	for _, kind := range keyKinds {
		rows := randomRows(rand.New(rand.NewPCG(1, 1)), kind, 60, 50)
		want := texts(t, kind, rows, false)
		typ := keyedType(kind.typ, aggregate(t).Input())
		whole := graph.Expr{Type: typ, Fields: []graph.Expr{{Path: []int{0}, Type: kind.typ}, {Path: []int{1}, Type: typ.Fields[1].Type}}}
		same(t, kind, rows, false, func() Operator { return NewProject(whole) }, want)
		same(t, kind, rows, false, func() Operator { return NewProject(graph.Expr{Type: typ}) }, want)
	}
	kind := keyKinds[6] // a nullable struct: field b of a null is null
	rows := []row{{key: []any{"x", 1.5}, t: 1}, {key: nil, t: 2}, {key: []any{"y", nil}, t: 3}}
	b := graph.Expr{Path: []int{0, 1}, Type: nullable(batch.Float64)}
	same(t, kind, rows, false, func() Operator { return NewProject(b) }, []string{"0 1.5 at 1", "0 null at 2", "0 null at 3"})
}

// Union passes rows as they are; Rewindow takes them out of their windows.
func TestUnionAndRewindow(t *testing.T) {
	kind := keyKinds[0]
	rows := randomRows(rand.New(rand.NewPCG(1, 1)), kind, 60, 50)
	same(t, kind, rows, true, NewUnion, texts(t, kind, rows, true))
	same(t, kind, rows, true, NewRewindow, texts(t, kind, rows, false))
	same(t, kind, rows, false, NewRewindow, texts(t, kind, rows, false))
}

// kept is a Target that keeps what it is sent.
type kept [][]*batch.Batch

func (k kept) Partitions() int { return len(k) }

func (k kept) Send(_ context.Context, p int, b *batch.Batch) error {
	k[p] = append(k[p], b)
	return nil
}

func (k kept) SendGroup(ctx context.Context, g int, b *batch.Batch) error {
	for i := range b.Len() {
		key := codec.AppendKey(nil, b.Root.Children[0], b.Row(i))
		if want := codec.KeyGroup(codec.Hash(key), codec.KeyGroups); want != g {
			return fmt.Errorf("%s was sent as of key group %d, want %d", describe(b, b.Row(i)), g, want)
		}
	}
	return k.Send(ctx, g*len(k)/codec.KeyGroups, b)
}

// Scatter sends each row once, in order, to the partition of its key group,
// which is the one partial would choose.
func TestScatter(t *testing.T) {
	for _, kind := range keyKinds {
		rows := randomRows(rand.New(rand.NewPCG(1, 1)), kind, 100, 50)
		for v, batches := range inputs(t, kind, rows, false) {
			to := make(kept, 3)
			o := NewScatter(to)
			for _, b := range batches {
				if err := o.Process(t.Context(), b, nil); err != nil {
					t.Fatal(err)
				}
			}
			sent := 0
			for p, got := range to {
				for _, b := range got {
					for i := range b.Len() {
						key := codec.AppendKey(nil, b.Root.Children[0], b.Row(i))
						if want := codec.KeyGroup(codec.Hash(key), codec.KeyGroups) * 3 / codec.KeyGroups; want != p {
							t.Fatalf("%s keys, %s: %s was sent to partition %d, want %d", kind.name, v, describe(b, b.Row(i)), p, want)
						}
						sent++
					}
				}
			}
			if sent != len(rows) {
				t.Fatalf("%s keys, %s: %d rows were sent, want %d", kind.name, v, sent, len(rows))
			}
		}
	}
}

// Forward sends every batch to the consumer of its own number.
func TestForward(t *testing.T) {
	to := make(kept, 3)
	o := NewForward(to, 1, nil)
	for _, b := range inputs(t, keyKinds[0], randomRows(rand.New(rand.NewPCG(1, 1)), keyKinds[0], 9, 50), false) {
		if err := o.Process(t.Context(), b[0], nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(to[0]) != 0 || len(to[1]) != 4 || len(to[2]) != 0 {
		t.Errorf("sent %d, %d and %d batches, want 0, 4 and 0", len(to[0]), len(to[1]), len(to[2]))
	}
}

// Forward leaves columns behind that are not to be kept.
func TestForwardKeeps(t *testing.T) {
	to := make(kept, 1)
	typ := &batch.Type{Kind: batch.Struct}
	var columns []*batch.Column
	for _, name := range []string{"a", "b", "c"} {
		typ.Fields = append(typ.Fields, batch.Field{Name: name, Type: &batch.Type{Kind: batch.Int64}})
		columns = append(columns, batch.NewInts(typ.Fields[0].Type, []int64{1, 2}))
	}
	sent := &batch.Batch{Root: batch.NewStruct(typ, 2, columns...), Time: []int64{5, 6}}
	if err := NewForward(to, 0, []bool{true, false, true}).Process(t.Context(), sent, nil); err != nil {
		t.Fatal(err)
	}
	got := to[0][0]
	if got.Root.Children[0] != columns[0] || got.Root.Children[1] != nil || got.Root.Children[2] != columns[2] || !slices.Equal(got.Time, sent.Time) {
		t.Errorf("sent %v at %v", got.Root.Children, got.Time)
	}
	if sent.Root.Children[1] == nil {
		t.Error("the batch that was given is changed")
	}
}

// script is a RowFn, a connector.Output and its Writer at once: it writes down
// the order of calls and fails where told.
type script struct {
	calls []string
	fail  string
}

func (s *script) call(name string) error {
	s.calls = append(s.calls, name)
	if s.fail == name {
		return errors.New(name + " failed")
	}
	return nil
}

type rowScript struct{ *script }

func (s rowScript) Start(context.Context) error                             { return s.call("start") }
func (s rowScript) Process(context.Context, *batch.Batch, graph.Emit) error { return s.call("process") }
func (s rowScript) Finish(context.Context, graph.Emit) error                { return s.call("finish") }
func (s rowScript) Close() error                                            { return s.call("close") }

type sinkScript struct{ *script }

func (s sinkScript) Writer(context.Context, int) (connector.Writer, error) { return s, s.call("open") }
func (s sinkScript) Commit(context.Context, []connector.Staged) error      { return s.call("commit") }
func (s sinkScript) Write(context.Context, *batch.Batch) error             { return s.call("write") }
func (s sinkScript) Close(context.Context) (connector.Staged, error) {
	return connector.Staged{Rows: 7}, s.call("close")
}
func (s sinkScript) Abort() error { return s.call("abort") }

// User code is started before its first batch, or at the end when there was
// none, finished only when all went well, and closed when it was started.
func TestRowsOrderOfCalls(t *testing.T) {
	for _, c := range []struct {
		batches int
		fail    string
		want    []string
	}{
		{2, "", []string{"start", "process", "process", "finish", "close"}},
		{0, "", []string{"start", "finish", "close"}},
		{1, "start", []string{"start", "close"}},
		{0, "start", []string{"start", "close"}},
		{2, "process", []string{"start", "process", "close"}},
		{1, "finish", []string{"start", "process", "finish", "close"}},
	} {
		s := &script{fail: c.fail}
		o, err := NewRows(&graph.Rows{New: func() (graph.RowFn, error) { return rowScript{s}, nil }}, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		drive(t, o, c.batches, c.fail)
		if !slices.Equal(s.calls, c.want) {
			t.Errorf("%d batches, %q fails: calls %v, want %v", c.batches, c.fail, s.calls, c.want)
		}
	}
}

// A writer is opened at the first batch or the end, closed once when all went
// well, and given up otherwise, also when closing failed.
func TestWriteOrderOfCalls(t *testing.T) {
	for _, c := range []struct {
		batches int
		fail    string
		want    []string
		staged  int
	}{
		{2, "", []string{"open", "write", "write", "close"}, 1},
		{0, "", []string{"open", "close"}, 1},
		{2, "write", []string{"open", "write", "abort"}, 0},
		{1, "close", []string{"open", "write", "close", "abort"}, 0},
	} {
		s, staged := &script{fail: c.fail}, 0
		drive(t, NewWrite(sinkScript{s}, 0, func(connector.Staged) { staged++ }), c.batches, c.fail)
		if !slices.Equal(s.calls, c.want) || staged != c.staged {
			t.Errorf("%d batches, %q fails: calls %v, want %v; staged %d times, want %d", c.batches, c.fail, s.calls, c.want, staged, c.staged)
		}
	}
}

// drive runs an operator as a task does: after an error only Close is called.
func drive(t *testing.T, o Operator, batches int, fail string) {
	t.Helper()
	one := batch.NewInts(&batch.Type{Kind: batch.Int64}, []int64{1})
	var err error
	for range batches {
		if err = o.Process(t.Context(), &batch.Batch{Root: one}, nil); err != nil {
			break
		}
	}
	if err == nil {
		err = o.End(t.Context(), nil)
	}
	if (err != nil) != (fail != "") {
		t.Errorf("%q fails: the error is %v", fail, err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}
