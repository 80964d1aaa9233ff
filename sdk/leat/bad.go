package leat

import (
	"errors"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/graph"
)

// BadRecord is a record that a source could not decode, as a row of a
// dead-letter output.
type BadRecord struct {
	Place string `leat:"place"` // where it was: events.json:17
	Error string `leat:"error"` // what is wrong with it
	Raw   []byte `leat:"raw"`   // the record as read, cut after 64 KiB
}

// SkipBad counts records that cannot be decoded and leaves them out, instead of
// failing the job.
func SkipBad[T any]() ReadOption[T] {
	return ReadOption[T]{apply: func(r *reading[T]) error { return r.setPolicy(graph.BadSkips) }}
}

// BadTo sends records that cannot be decoded to a dead-letter collection
// instead of failing the job. They have no event time. out is set when Read
// returns.
func BadTo[T any](out *PCollection[BadRecord]) ReadOption[T] {
	return ReadOption[T]{apply: func(r *reading[T]) error {
		if out == nil {
			return errors.New("leat.BadTo needs a variable to set, got nil")
		}
		if r.bad == nil { // a second one is an error below; neither variable stays unset
			r.bad = out
		}
		*out = *new(PCollection[BadRecord])
		return r.setPolicy(graph.BadGoes)
	}}
}

func (r *reading[T]) setPolicy(policy graph.BadPolicy) error {
	if r.op.Policy != graph.BadFails {
		return errors.New("what happens to bad records is said twice; give leat.Read one of leat.SkipBad and leat.BadTo, once")
	}
	r.op.Policy = policy
	return nil
}

func badBatch(rows *codec.Codec[BadRecord]) func(connector.BadRecord) (*batch.Batch, error) {
	return func(b connector.BadRecord) (*batch.Batch, error) {
		e := rows.NewEncoder()
		if err := e.Append([]BadRecord{{Place: b.Place, Error: b.Err.Error(), Raw: b.Raw}}); err != nil {
			return nil, err
		}
		return &batch.Batch{Root: e.Finish()}, nil
	}
}
