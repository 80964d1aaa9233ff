package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// source reads a stream like a topic of so many partitions: block b is in split
// b mod splits, so all splits advance together. It says that it never ends, as a
// topic does, and ends all the same.
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
	for i := range in.splits {
		splits = append(splits, connector.Split{Name: fmt.Sprintf("partition %d", i), Rows: -1, Bytes: -1, Data: int64(i)})
	}
	return splits
}

// Reader implements connector.Input.
func (in *input) Reader(_ context.Context, s connector.Split) (connector.Reader, error) {
	return &reader{input: in, block: s.Data.(int64)}, nil
}

// Close implements connector.Input.
func (in *input) Close() error { return nil }

type reader struct {
	*input
	block int64 // being read
	done  int   // rows of it
}

// Read implements connector.Reader. Keys and values are views of the tables;
// only times are computed.
func (r *reader) Read(ctx context.Context) (*batch.Batch, error) {
	first := r.block*blockRows + int64(r.done)
	n := int(min(int64(min(blockRows-r.done, r.request.Rows())), r.events-first))
	if n <= 0 || !r.until.IsZero() && time.Now().After(r.until) {
		return nil, io.EOF
	}
	at := r.stream.offset(r.block) + r.done
	if r.done += n; r.done == blockRows {
		r.block, r.done = r.block+int64(r.splits), 0
	}
	times := make([]int64, n)
	for i, behind := range r.stream.behind[at : at+n] {
		times[i] = firstMicros + (first+int64(i))*r.stream.step - behind
	}
	t := r.request.Type
	children := make([]*batch.Column, len(t.Fields))
	for i, values := range [][]int64{r.stream.keys[at : at+n], r.stream.values[at : at+n], times} {
		if r.request.Needs(i) {
			children[i] = batch.NewInts(t.Fields[i].Type, values[:n:n])
		}
	}
	return &batch.Batch{Root: batch.NewStruct(t, n, children...)}, ctx.Err()
}

// Close implements connector.Reader.
func (r *reader) Close() error { return nil }
