package json

import (
	"context"
	"errors"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/lines"
	"github.com/leatflow/leat/sdk/connector/staging"
)

// Sink writes rows as newline-delimited JSON into dir/part-00000.json and so on,
// one file for each task that has rows. Fields stand in the order of the row
// type, nulls are written. The files appear together when the run has succeeded.
type Sink struct {
	Dir       string // made when it does not exist; must be empty unless Overwrite
	Gzip      bool   // compress the files: part-00000.json.gz
	Overwrite bool   // replace part files of an earlier run

	FS staging.FS // nil: the machine's; tests inject failures here
}

// String implements connector.Sink.
func (s Sink) String() string { return "json " + s.Dir }

// Validate implements connector.Sink.
func (s Sink) Validate(t *batch.Type) error {
	return errors.Join(s.lines().Validate(), validate(t))
}

func (s Sink) lines() lines.Sink {
	return lines.Sink{Dir: s.Dir, Suffix: ".json", Gzip: s.Gzip, Overwrite: s.Overwrite, FS: s.FS}
}

// Open implements connector.Sink.
func (s Sink) Open(ctx context.Context, r connector.SinkRequest) (connector.Output, error) {
	if err := s.Validate(r.Type); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out, err := s.lines().Open(func() lines.Encode { return newRender(r.Type).encode })
	if err != nil {
		return nil, err
	}
	return out, nil
}
