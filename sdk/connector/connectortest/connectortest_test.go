package connectortest

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/staging"
)

var rowType = &batch.Type{Kind: batch.Struct, Fields: []batch.Field{
	{Name: "n", Type: &batch.Type{Kind: batch.Int64}}, {Name: "f", Type: &batch.Type{Kind: batch.Float64}}}}

func rows(n int) *batch.Column { return Sample(rowType, n, 1) }

// flawed is a source of two splits that breaks one promise.
type flawed struct {
	flaw string
	rows *batch.Column
}

func (f *flawed) String() string {
	if f.flaw == "no name" {
		return ""
	}
	return "flawed"
}
func (f *flawed) Bounded() bool              { return true }
func (f *flawed) Validate(*batch.Type) error { return nil }
func (f *flawed) Close() error               { return nil }
func (f *flawed) Open(_ context.Context, r connector.Request) (connector.Input, error) {
	return &flawedInput{flawed: f, request: r}, nil
}

type flawedInput struct {
	*flawed
	request connector.Request
}

func (f *flawedInput) Splits() []connector.Split {
	half := f.rows.Len / 2
	second := connector.Split{Name: "b", Rows: -1, Bytes: -1, Data: f.rows.Slice(half, f.rows.Len)}
	if f.flaw == "same split name" {
		second.Name = "a"
	}
	return []connector.Split{{Name: "a", Rows: -1, Bytes: -1, Data: f.rows.Slice(0, half)}, second}
}

func (f *flawedInput) Reader(_ context.Context, s connector.Split) (connector.Reader, error) {
	rows, ok := s.Data.(*batch.Column)
	if !ok && f.flaw != "foreign split" {
		return nil, errors.New("foreign split")
	}
	return &flawedReader{flawedInput: f, left: rows}, nil
}

type flawedReader struct {
	*flawedInput
	left   *batch.Column
	reads  int
	buffer []int64
}

func (r *flawedReader) Done() float64 {
	if r.flaw == "progress" {
		return -float64(r.reads)
	}
	return 0
}

func (r *flawedReader) Read(ctx context.Context) (*batch.Batch, error) {
	if r.left == nil || r.left.Len == 0 {
		return nil, io.EOF
	}
	n := min(r.request.Rows(), r.left.Len)
	if r.flaw == "too many rows" {
		n = r.left.Len
	}
	b := &batch.Batch{Root: r.left.Slice(0, n)}
	r.left = r.left.Slice(n, r.left.Len)
	r.reads++
	return r.spoil(b)
}

func (r *flawedReader) spoil(b *batch.Batch) (*batch.Batch, error) {
	switch r.flaw {
	case "row lost":
		if r.reads == 1 {
			b.Root = b.Root.Slice(0, b.Root.Len-1)
		}
	case "row twice":
		if r.reads == 1 {
			r.left = r.flawed.rows.Slice(0, r.flawed.rows.Len)
		}
	case "empty batch":
		b.Root = b.Root.Slice(0, 0)
	case "times":
		b.Time = make([]int64, b.Root.Len)
	case "type":
		b.Root = b.Root.Children[0]
	case "broken column":
		b.Root.Children[0] = b.Root.Children[0].Slice(0, 0)
	case "needed column":
		if r.request.Needed != nil {
			b.Root.Children[0] = nil
		}
	case "reused memory":
		r.buffer = append(r.buffer[:0], b.Root.Children[0].Ints...)
		b.Root.Children[0] = batch.NewInts(rowType.Fields[0].Type, r.buffer)
	case "bad record":
		if err := r.request.Bad(connector.BadRecord{Place: "here", Err: errors.New("bad")}); err != nil {
			return nil, errors.New("hidden")
		}
	}
	return b, nil
}

func TestSourceSuiteFindsFlaws(t *testing.T) {
	// A source without a flaw passes every check; each flaw fails the check that
	// is there for it, and one of these alone would not do.
	for flaw, check := range map[string]string{
		"":                "",
		"no name":         "describes itself",
		"same split name": "describes itself",
		"too many rows":   "every row once",
		"row lost":        "every row once",
		"row twice":       "every row once",
		"empty batch":     "every row once",
		"times":           "every row once",
		"type":            "every row once",
		"broken column":   "every row once",
		"needed column":   "projection",
		"reused memory":   "batches stay as they are",
		"bad record":      "bad records",
		"foreign split":   "foreign split",
		"progress":        "progress",
	} {
		c := SourceCase{
			New:  func(*testing.T) connector.Source { return &flawed{flaw: flaw, rows: rows(20)} },
			Type: rowType, Want: rows(20), CloseTwice: true,
		}
		failed := map[string]error{}
		for _, k := range sourceChecks() {
			if flaw == "empty batch" && k.name != check {
				continue // it never ends elsewhere
			}
			if err := k.run(c, t); err != nil {
				failed[k.name] = err
			}
		}
		if flaw == "" && len(failed) > 0 || flaw != "" && failed[check] == nil {
			t.Errorf("flaw %q: failed %v, want %q", flaw, failed, check)
		}
	}
	c := SourceCase{New: func(*testing.T) connector.Source { return &flawed{flaw: "bad record", rows: rows(20)} },
		Type: rowType, Want: rows(20), Bad: []string{"here", "here"}}
	if err := c.badEnds(t); err == nil || !strings.Contains(err.Error(), "hidden") {
		t.Errorf("a hidden error passes: %v", err)
	}
}

// flawedSink writes one file of formatted rows a task and breaks one promise.
type flawedSink struct {
	flaw, dir string
	area      *staging.Area
}

func (s *flawedSink) String() string             { return "flawed" }
func (s *flawedSink) Validate(*batch.Type) error { return nil }
func (s *flawedSink) Open(context.Context, connector.SinkRequest) (_ connector.Output, err error) {
	return s, nil
}

func (s *flawedSink) Writer(_ context.Context, task int) (connector.Writer, error) {
	return &flawedWriter{flawedSink: s, name: "part-" + string(rune('0'+task))}, nil
}

func (s *flawedSink) Commit(_ context.Context, staged []connector.Staged) error {
	var names []string
	for _, st := range staged {
		names = append(names, st.Files...)
	}
	return s.area.Commit(names)
}

func (s *flawedSink) Abort() error {
	if s.flaw == "abort" {
		return nil
	}
	return s.area.Abort()
}

type flawedWriter struct {
	*flawedSink
	name string
	text []byte
	rows int64
}

func (w *flawedWriter) Write(_ context.Context, b *batch.Batch) error {
	for i := range b.Len() {
		row := b.Row(i)
		if w.flaw == "selection" {
			row = i
		}
		w.text = append(append(w.text, b.Root.Format(row)...), '\n')
		w.rows++
	}
	if w.flaw == "changes rows" && b.Len() > 0 {
		b.Root.Children[0].Ints[0]++
	}
	return nil
}

func (w *flawedWriter) Close(context.Context) (connector.Staged, error) {
	if w.flaw == "random" {
		w.text = append(w.text, w.dir...)
	}
	if w.flaw == "visible" {
		if err := os.WriteFile(filepath.Join(w.dir, w.name), w.text, 0o644); err != nil {
			return connector.Staged{}, err
		}
	}
	f, err := w.area.Create(w.name)
	if err != nil {
		return connector.Staged{}, err
	}
	if _, err := f.Write(w.text); err != nil {
		if w.flaw == "swallows errors" {
			err = f.Abort()
		}
		return connector.Staged{}, err
	}
	if err := f.Close(); err != nil {
		return connector.Staged{}, err
	}
	if w.flaw == "counts" {
		w.rows++
	}
	return connector.Staged{Rows: w.rows, Bytes: f.Size(), Files: []string{w.name}}, nil
}

func (w *flawedWriter) Abort() error { return nil }

// opened makes the sink's directory when it is opened, as a sink must.
type opened struct {
	*flawedSink
	system staging.FS
}

func (o opened) Open(ctx context.Context, r connector.SinkRequest) (_ connector.Output, err error) {
	if o.flaw == "not empty" {
		o.area, err = staging.Open(o.system, o.dir, staging.Options{Overwrite: true, Pattern: "*"})
	} else {
		o.area, err = staging.Open(o.system, o.dir, staging.Options{})
	}
	return o.flawedSink, err
}

func TestSinkSuiteFindsFlaws(t *testing.T) {
	// A sink without a flaw passes every check; each flaw fails the check that is
	// there for it.
	want := rows(30)
	for flaw, check := range map[string]string{
		"":                "",
		"selection":       "written and read back",
		"visible":         "written and read back",
		"counts":          "written and read back",
		"changes rows":    "batches stay as they are",
		"random":          "deterministic",
		"abort":           "abort leaves nothing",
		"not empty":       "target is not empty",
		"swallows errors": "full disk",
	} {
		c := SinkCase{
			New: func(_ *testing.T, dir string, system staging.FS) connector.Sink {
				return opened{&flawedSink{flaw: flaw, dir: dir}, system}
			},
			Type: rowType, Rows: rows(30),
			ReadBack: func(_ *testing.T, dir string) (*batch.Column, error) { return find(want, dir) },
		}
		failed := map[string]error{}
		for _, k := range sinkChecks() {
			if err := k.run(c, t); err != nil {
				failed[k.name] = err
			}
		}
		if flaw == "" && len(failed) > 0 || flaw != "" && failed[check] == nil {
			t.Errorf("flaw %q: failed %v, want %q", flaw, failed, check)
		}
	}
}

// find returns the rows of want whose formatted lines are in the files of dir,
// in that order.
func find(want *batch.Column, dir string) (*batch.Column, error) {
	files, err := filepath.Glob(filepath.Join(dir, "part-*"))
	if err != nil {
		return nil, err
	}
	var at []int32
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			row := len(at)
			if row >= want.Len || want.Format(row)+"\n" != line {
				row = 0
			}
			at = append(at, int32(row))
		}
	}
	return want.Gather(at), nil
}

func TestSample(t *testing.T) {
	// Sample gives valid columns of every kind, the same for one seed, with nulls
	// and both forms of strings.
	typ := EveryKind()
	nulls, dictionaries := false, false
	for seed := range uint64(10) {
		c := Sample(typ, 50, seed)
		if err := batch.Validate(c); err != nil {
			t.Fatal(err)
		}
		if err := compare(c, []*batch.Batch{{Root: Sample(typ, 50, seed)}}); err != nil {
			t.Fatal(err)
		}
		for _, child := range c.Children {
			nulls = nulls || child.Valid != nil
			dictionaries = dictionaries || child.Dict != nil
		}
	}
	if !nulls || !dictionaries {
		t.Errorf("nulls %v, dictionaries %v", nulls, dictionaries)
	}
}
