package lines

import (
	"context"
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/files"
)

// BatchBytes is the number of bytes of input after which a reader ends a batch
// before it has all its rows, so that long lines cannot fill the memory.
const BatchBytes = 16 << 20

// Source is what text and JSON sources have in common: where the lines are.
type Source struct {
	Path       string   // file, pattern or directory, see package files
	Suffixes   []string // wanted in a directory; nil: all files
	SplitBytes int64    // smallest part of a file for a split of its own; 0: CutBytes
	MaxLine    int      // bytes a line may have; 0: DefaultLimit
}

// MaxLine bounds Source.MaxLine, so that a batch with one such line stays below
// the 2 GiB of a string column even when every byte of it grows to three.
const MaxLine = 512 << 20

// Validate reports the mistakes that can be seen without looking at files.
func (s Source) Validate() error {
	var errs []error
	if s.Path == "" {
		errs = append(errs, errors.New("the path is empty; name a file, a directory or a pattern"))
	}
	if s.SplitBytes < 0 {
		errs = append(errs, fmt.Errorf("SplitBytes is %d; want 0 for the default or a number of bytes", s.SplitBytes))
	}
	if s.MaxLine < 0 || s.MaxLine > MaxLine {
		errs = append(errs, fmt.Errorf("MaxLine is %d; want 0 for the default or at most %d bytes", s.MaxLine, MaxLine))
	}
	return errors.Join(errs...)
}

// Input is an opened Source; NewReader makes the connector's reader of a range.
type Input struct {
	source    Source
	splits    []connector.Split
	newReader func(*Reader) connector.Reader
}

// Open lists the files and cuts them into splits.
func (s Source) Open(r connector.Request, newReader func(*Reader) connector.Reader) (*Input, error) {
	list, err := files.List(s.Path, s.Suffixes...)
	if err != nil {
		return nil, err
	}
	in := &Input{source: s, newReader: newReader}
	for _, rng := range Cut(list, r.Parallelism, s.SplitBytes) {
		in.splits = append(in.splits, connector.Split{Name: rng.String(), Rows: -1, Bytes: rng.Bytes(), Data: rng})
	}
	return in, nil
}

// Splits implements connector.Input.
func (in *Input) Splits() []connector.Split { return in.splits }

// Reader implements connector.Input.
func (in *Input) Reader(ctx context.Context, s connector.Split) (connector.Reader, error) {
	rng, ok := s.Data.(Range)
	if !ok {
		return nil, fmt.Errorf("split %s is not a range of a file of lines", s.Name)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := Open(rng, in.source.MaxLine)
	if err != nil {
		return nil, err
	}
	return in.newReader(r), nil
}

// Close implements connector.Input; files are closed by their readers.
func (in *Input) Close() error { return nil }
