package operator

import (
	"context"
	"errors"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// quietOutput is an output, and its only writer, to which nothing happens.
type quietOutput struct{ aborted bool }

func (q *quietOutput) Writer(context.Context, int) (connector.Writer, error) { return q, nil }
func (q *quietOutput) Commit(context.Context, []connector.Staged) error      { return nil }
func (q *quietOutput) Write(context.Context, *batch.Batch) error             { return nil }
func (q *quietOutput) Close(context.Context) (s connector.Staged, err error) { return s, nil }
func (q *quietOutput) Abort() error                                          { q.aborted = true; return nil }

// failingOutput is one that may fail between calls.
type failingOutput struct {
	quietOutput
	fail func(error)
}

func (f *failingOutput) OnFailure(_ int, fail func(error)) { f.fail = fail }

// A sink that fails between calls wakes its operator, also one that has had no rows
// yet; one that cannot has an operator for which a task does not wait.
func TestWriteWakes(t *testing.T) {
	if _, ok := NewWrite(&quietOutput{}, 0, nil).(Waking); ok {
		t.Error("the write of a sink that does not fail between calls is woken")
	}
	for _, rows := range []bool{false, true} {
		out := &failingOutput{}
		w := NewWrite(out, 0, func(connector.Staged) {})
		if rows {
			if err := w.Process(t.Context(), &batch.Batch{Root: batch.NewInts(&batch.Type{Kind: batch.Int64}, []int64{1})}, nil); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-w.(Waking).Woken():
			t.Fatal("woken before anything happened")
		default:
		}
		refused := errors.New("refused")
		out.fail(refused)
		<-w.(Waking).Woken()
		if err := w.(Waking).Wake(t.Context(), nil); !errors.Is(err, refused) {
			t.Errorf("Wake gives %v", err)
		}
		if err := w.Close(); err != nil || out.aborted != rows {
			t.Errorf("Close gives %v, the writer was aborted: %t, made: %t", err, out.aborted, rows)
		}
	}
}
