package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// failing is a source of two numbers and a sink at once; it fails at one place
// and writes down what was called.
type failing struct {
	at       string
	infinite bool

	mu    sync.Mutex
	calls map[string]int
}

func (f *failing) call(place string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = make(map[string]int)
	}
	f.calls[place]++
	if f.at == place {
		return fmt.Errorf("the disk failed at %s", place)
	}
	return nil
}

func (f *failing) called(place string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[place]
}

type failingSource struct{ *failing }

func (f failingSource) String() string               { return "failing source" }
func (f failingSource) Bounded() bool                { return !f.infinite }
func (f failingSource) Validate(t *batch.Type) error { return f.call("source validate") }
func (f failingSource) Open(context.Context, connector.Request) (connector.Input, error) {
	return failingInput{f}, f.call("source open")
}

type failingInput struct{ failingSource }

func (f failingInput) Splits() []connector.Split {
	return []connector.Split{{Name: "a", Rows: 2, Bytes: -1}, {Name: "b", Rows: 2, Bytes: -1}}
}

func (f failingInput) Reader(context.Context, connector.Split) (connector.Reader, error) {
	return &failingReader{failing: f.failing}, f.call("reader")
}

func (f failingInput) Close() error { return f.call("input close") }

type failingReader struct {
	*failing
	reads int
}

func (f *failingReader) Read(context.Context) (*batch.Batch, error) {
	if f.reads++; f.reads > 2 {
		return nil, io.EOF
	}
	return &batch.Batch{Root: batch.NewInts(&batch.Type{Kind: batch.Int64}, []int64{int64(f.reads)})}, f.call("read")
}

func (f *failingReader) Close() error { return f.call("reader close") }

type failingSink struct{ *failing }

func (f failingSink) String() string               { return "failing sink" }
func (f failingSink) Validate(t *batch.Type) error { return f.call("sink validate") }
func (f failingSink) Open(context.Context, connector.SinkRequest) (connector.Output, error) {
	if err := f.call("sink open"); err != nil {
		return nil, err
	}
	return failingOutput(f), nil
}

type failingOutput struct{ *failing }

func (f failingOutput) Writer(context.Context, int) (connector.Writer, error) {
	if err := f.call("writer"); err != nil {
		return nil, err
	}
	return failingWriter(f), nil
}
func (f failingOutput) Commit(context.Context, []connector.Staged) error { return f.call("commit") }
func (f failingOutput) Abort() error                                     { return f.call("abort") }

type failingWriter struct{ *failing }

func (f failingWriter) Write(context.Context, *batch.Batch) error { return f.call("write") }
func (f failingWriter) Close(context.Context) (connector.Staged, error) {
	return connector.Staged{Rows: 1}, f.call("writer close")
}
func (f failingWriter) Abort() error { return f.call("writer abort") }

// ended reports what is wrong with how a failed run left the sink: exactly one
// of commit and abort, and no writer left open.
func (f *failing) ended() error {
	var errs []error
	if f.called("sink open") > 0 && f.at != "sink open" && f.called("abort") != 1 {
		errs = append(errs, fmt.Errorf("Abort was called %d times after a failed run", f.called("abort")))
	}
	if f.at != "commit" && f.called("commit") > 0 {
		errs = append(errs, errors.New("the run failed, but was committed"))
	}
	closed := f.called("writer close") + f.called("writer abort")
	if f.at == "writer close" {
		closed -= f.called("writer abort") // closing failed: given up after it
	}
	if opened := f.called("writer"); f.at != "writer" && closed < opened {
		errs = append(errs, fmt.Errorf("%d writers were opened, %d closed or given up", opened, closed))
	}
	if f.at != "source open" && f.called("input close") != f.called("source open") {
		errs = append(errs, fmt.Errorf("the input was closed %d times", f.called("input close")))
	}
	if opened := f.called("reader"); f.at != "reader" && f.called("reader close") < opened {
		errs = append(errs, fmt.Errorf("%d readers were opened, %d closed", opened, f.called("reader close")))
	}
	return errors.Join(errs...)
}
