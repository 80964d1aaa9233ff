package table

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/files"
	"github.com/leatflow/leat/sdk/connector/lines"
)

// shape is what is known about the values of one JSON field so far. Several of
// the marks may be set; kind decides between them at the end.
type shape struct {
	null, boolean, integer, float, special, text bool
	instants                                     bool // all texts so far are times
	element                                      *shape
	names                                        []string
	fields                                       map[string]*shape
	objects                                      int64
	present                                      int64 // objects of the parent that have the field
}

// inferJSON finds columns and number of rows by looking at every line: a column
// that is an integer for a million rows may still turn out a float.
func (t *Table) inferJSON(ctx context.Context, list []files.File) error {
	root := &shape{}
	for _, f := range list {
		n, err := root.addFile(ctx, f)
		if err != nil {
			return err
		}
		t.Rows += n
	}
	t.Type = &batch.Type{Kind: batch.Struct}
	if t.Rows == 0 {
		return nil
	}
	if root.objects != t.Rows {
		return fmt.Errorf("%s: every line must be a JSON object, whose fields are the columns; %d of %d are", t.Path, root.objects, t.Rows)
	}
	t.Type = root.typ()
	for _, name := range root.names {
		if f := root.fields[name]; f.empty() {
			t.AllNull = append(t.AllNull, name)
		}
	}
	return nil
}

// empty reports whether all values were null.
func (s *shape) empty() bool {
	return !s.boolean && !s.integer && !s.float && !s.special && !s.text && s.element == nil && s.fields == nil
}

func (s *shape) addFile(ctx context.Context, f files.File) (rows int64, err error) {
	r, err := lines.Open(lines.Range{File: f, To: -1}, 0)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for line := int64(1); ; line++ {
		if line%4096 == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
		text, err := r.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err == nil {
			if line == 1 {
				text = bytes.TrimPrefix(text, []byte("\uFEFF"))
			}
			if len(bytes.TrimSpace(text)) == 0 {
				continue
			}
			d := json.NewDecoder(bytes.NewReader(text))
			d.UseNumber()
			err = s.addValue(d)
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				err = errors.New("the line ends inside of a JSON value")
			}
		}
		if err != nil {
			return 0, fmt.Errorf("%s:%d: %w", f.Path, line, err)
		}
		rows++
	}
}

// addValue reads the next value of d.
func (s *shape) addValue(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case nil:
		s.null = true
	case bool:
		s.boolean = true
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			s.float = true
		} else {
			s.integer = true
		}
	case string:
		s.addText(v)
	case json.Delim:
		if v == '[' {
			return s.addArray(d)
		}
		return s.addObject(d)
	}
	return nil
}

func (s *shape) addText(v string) {
	switch v {
	case "NaN", "Infinity", "-Infinity":
		s.special = true
		return
	}
	_, err := time.Parse(time.RFC3339Nano, v)
	s.instants = err == nil && (s.instants || !s.text)
	s.text = true
}

func (s *shape) addArray(d *json.Decoder) error {
	if s.element == nil {
		s.element = &shape{}
	}
	for d.More() {
		if err := s.element.addValue(d); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func (s *shape) addObject(d *json.Decoder) error {
	if s.fields == nil {
		s.fields = map[string]*shape{}
	}
	s.objects++
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := name.(string) // the decoder lets nothing else pass for a name
		f := s.fields[key]
		if f == nil {
			f = &shape{}
			s.fields[key] = f
			s.names = append(s.names, key)
		}
		f.present++
		if err := f.addValue(d); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// typ returns the type all values fit, a string where they have nothing in
// common that the JSON source could read otherwise.
func (s *shape) typ() *batch.Type {
	t := &batch.Type{Kind: batch.String, Nullable: s.null}
	switch {
	case s.fields != nil:
		t.Kind = batch.Struct
		for _, name := range s.names {
			f := s.fields[name]
			ft := f.typ()
			ft.Nullable = ft.Nullable || f.present < s.objects
			t.Fields = append(t.Fields, batch.Field{Name: name, Type: ft})
		}
	case s.element != nil:
		t.Kind = batch.List
		t.Fields = []batch.Field{{Name: "element", Type: s.element.typ()}}
		t.Nullable = false // null is read as an empty list
	case s.text:
		if s.instants && !s.special {
			t.Kind = batch.Time
		}
	case s.float, s.special && s.integer:
		t.Kind = batch.Float64
	case s.integer:
		t.Kind = batch.Int64
	case s.boolean:
		t.Kind = batch.Bool
	}
	return t
}
