package local_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
)

// visit is a row of made-up data, of any amount.
type visit struct {
	Key  int64     `leat:"key"`
	User string    `leat:"user"`
	At   time.Time `leat:"at"`
	N    int64     `leat:"n"`
}

// visits makes rows batch by batch, so that no run holds them all. Row i depends
// on i alone.
type visits struct {
	rows   int64
	keys   uint64 // distinct keys
	skewed bool   // nine of ten rows have key 7
	splits int
}

func (v visits) String() string               { return fmt.Sprintf("%d visits", v.rows) }
func (v visits) Bounded() bool                { return true }
func (v visits) Validate(t *batch.Type) error { return nil }

func (v visits) Open(_ context.Context, r connector.Request) (connector.Input, error) {
	in := &visitInput{visits: v, request: r}
	n := int64(max(1, v.splits))
	for s := range n {
		from, to := v.rows*s/n, v.rows*(s+1)/n
		in.splits = append(in.splits, connector.Split{Name: fmt.Sprint("visits ", s), Rows: to - from, Bytes: -1, Data: [2]int64{from, to}})
	}
	return in, nil
}

type visitInput struct {
	visits
	request connector.Request
	splits  []connector.Split
}

func (in *visitInput) Splits() []connector.Split { return in.splits }
func (in *visitInput) Close() error              { return nil }

func (in *visitInput) Reader(_ context.Context, s connector.Split) (connector.Reader, error) {
	bounds := s.Data.([2]int64)
	return &visitReader{in: in, at: bounds[0], to: bounds[1]}, nil
}

type visitReader struct {
	in     *visitInput
	at, to int64
}

func (r *visitReader) Close() error { return nil }

// scramble is a permutation of 64 bits.
func scramble(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (v visits) key(i int64) int64 {
	h := scramble(uint64(i) + 0x9e3779b97f4a7c15)
	if v.skewed && h%10 != 0 {
		return 7
	}
	return int64(scramble(h) % v.keys)
}

func (r *visitReader) Read(ctx context.Context) (*batch.Batch, error) {
	n := int(min(r.to-r.at, int64(r.in.request.Rows())))
	if n == 0 {
		return nil, io.EOF
	}
	from := r.at
	r.at += int64(n)
	t := r.in.request.Type
	children := make([]*batch.Column, 4)
	ints := func(field int, value func(i int64) int64) {
		if !r.in.request.Needs(field) {
			return
		}
		values := make([]int64, n)
		for i := range values {
			values[i] = value(from + int64(i))
		}
		children[field] = batch.NewInts(t.Fields[field].Type, values)
	}
	ints(0, r.in.key)
	ints(2, func(i int64) int64 { return i / 1000 * int64(time.Millisecond/time.Microsecond) })
	ints(3, func(i int64) int64 { return int64(scramble(uint64(i)) % 1000) })
	if r.in.request.Needs(1) {
		s := batch.Strings{Offsets: make([]int32, 1, n+1)}
		for i := range n {
			s.Append(fmt.Sprint("user-", r.in.key(from+int64(i))))
		}
		children[1] = batch.NewStrings(t.Fields[1].Type, s)
	}
	return &batch.Batch{Root: batch.NewStruct(t, n, children...)}, ctx.Err()
}

func readVisits(p *leat.Pipeline, v visits) leat.PCollection[visit] {
	return readVisitsAs(p, "visits", v)
}

func readVisitsAs(p *leat.Pipeline, name string, v visits) leat.PCollection[visit] {
	return leat.Read(p, name, v, leat.EventTimeField(func(v *visit) *time.Time { return &v.At }, watermark.Disorder(time.Hour)))
}

func byKey(in leat.PCollection[visit]) leat.PCollection[leat.KV[int64, visit]] {
	return leat.KeyBy(in, "by-key", field.Of(func(v *visit) *int64 { return &v.Key }))
}

// digest is a sink that keeps a hash of what it got instead of the rows.
type digest struct {
	mu      sync.Mutex
	rows    int64
	set     uint64         // independent of order
	ordered map[int]uint64 // by task, of the rows in their order
	order   []connector.SortKey
}

// Order implements connector.Sorting.
func (d *digest) Order() []connector.SortKey { return d.order }

func (d *digest) String() string             { return "digest" }
func (d *digest) Validate(*batch.Type) error { return nil }

func (d *digest) Open(context.Context, connector.SinkRequest) (connector.Output, error) {
	d.rows, d.set, d.ordered = 0, 0, make(map[int]uint64)
	return d, nil
}

func (d *digest) Writer(_ context.Context, task int) (connector.Writer, error) {
	return &digesting{to: d, task: task}, nil
}

func (d *digest) Commit(context.Context, []connector.Staged) error { return nil }
func (d *digest) Abort() error                                     { return nil }

type digesting struct {
	to   *digest
	task int
	rows int64
	set  uint64
	all  uint64
	key  []byte
}

func (w *digesting) Write(_ context.Context, b *batch.Batch) error {
	for i := range b.Len() {
		row := b.Row(i)
		w.key = codec.AppendKey(w.key[:0], b.Root, row)
		if b.Start != nil {
			w.key = fmt.Append(w.key, b.Start[row], b.End[row])
		}
		h := xxhash.Sum64(w.key)
		w.rows++
		w.set += scramble(h)
		w.all = scramble(w.all ^ h)
	}
	return nil
}

func (w *digesting) Close(context.Context) (connector.Staged, error) {
	w.to.mu.Lock()
	defer w.to.mu.Unlock()
	w.to.rows += w.rows
	w.to.set += w.set
	w.to.ordered[w.task] = w.all
	return connector.Staged{Rows: w.rows}, nil
}

func (w *digesting) Abort() error { return nil }
