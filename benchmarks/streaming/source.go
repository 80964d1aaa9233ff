package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// source reads a stream like a topic: partition p, with the blocks b for which
// b mod 4 = p, is in split p mod splits, so all splits advance together. It says that
// it never ends, as a topic does, and ends all the same.
type source struct {
	stream *stream
	events int64
	splits int
	until  time.Time // no more events from then on; zero: all of them
}

// String implements connector.Source.
func (s source) String() string { return fmt.Sprintf("%d generated events", s.events) }

// Bounded implements connector.Source.
func (s source) Bounded() bool { return false }

// Validate implements connector.Source.
func (s source) Validate(*batch.Type) error { return nil }

// Open implements connector.Source.
func (s source) Open(_ context.Context, r connector.Request) (connector.Input, error) {
	return &input{source: s, request: r}, nil
}

type input struct {
	source
	request connector.Request
}

// Splits implements connector.Input.
func (in *input) Splits() []connector.Split {
	var splits []connector.Split
	for i := range min(in.splits, partitions) {
		splits = append(splits, connector.Split{Name: fmt.Sprintf("partition %d", i), Rows: -1, Bytes: -1, Data: int64(i)})
	}
	return splits
}

// Reader implements connector.Input.
func (in *input) Reader(_ context.Context, s connector.Split) (connector.Reader, error) {
	r := &reader{input: in, split: s.Data.(int64), block: -1}
	r.advance()
	return r, nil
}

// Close implements connector.Input.
func (in *input) Close() error { return nil }

type reader struct {
	*input
	split int64
	block int64 // being read
	done  int   // rows of it
}

// advance goes on to the next block of the split.
func (r *reader) advance() {
	for r.block++; r.block%partitions%int64(min(r.splits, partitions)) != r.split; r.block++ {
	}
	r.done = 0
}

// Read implements connector.Reader. Keys and values are views of the tables;
// only times are computed.
func (r *reader) Read(ctx context.Context) (*batch.Batch, error) {
	first := r.block*blockRows + int64(r.done)
	n := int(min(int64(min(blockRows-r.done, r.request.Rows())), r.events-first))
	if n <= 0 || !r.until.IsZero() && time.Now().After(r.until) {
		return nil, io.EOF
	}
	from, to := r.done, r.done+n
	t := r.stream.block(r.block)
	if r.done = to; to == blockRows {
		r.advance()
	}
	times := make([]int64, n)
	for i, behind := range t.behind[from:to] {
		times[i] = firstMicros + (first+int64(i))*r.stream.step - behind
	}
	rows := r.request.Type
	children := make([]*batch.Column, len(rows.Fields))
	for i, values := range [][]int64{t.keys[from:to], t.values[from:to], times} {
		if r.request.Needs(i) {
			children[i] = batch.NewInts(rows.Fields[i].Type, values[:n:n])
		}
	}
	return &batch.Batch{Root: batch.NewStruct(rows, n, children...)}, ctx.Err()
}

// Close implements connector.Reader.
func (r *reader) Close() error { return nil }
