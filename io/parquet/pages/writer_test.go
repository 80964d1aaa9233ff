package pages_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
)

// write makes a file of the given struct columns.
func write(t testing.TB, typ *batch.Type, o pages.WriterOptions, cols ...*batch.Column) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := pages.NewWriter(&out, typ, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cols {
		if err := w.Write(c); err != nil {
			t.Fatal(err)
		}
	}
	n, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if n != int64(out.Len()) {
		t.Fatalf("Close says %d bytes, the file has %d", n, out.Len())
	}
	return out.Bytes()
}

func open(t testing.TB, b []byte) *pages.File {
	t.Helper()
	f, err := pages.Open(bytes.NewReader(b), int64(len(b)), pages.Options{Name: "test.parquet"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// read returns the rows of a column as text, read n at a time.
func read(t testing.TB, f *pages.File, name string, n int) []string {
	t.Helper()
	var out []string
	for _, g := range f.RowGroups() {
		c, err := g.Column(f.Schema().Children[f.Type().Index(name)])
		if err != nil {
			t.Fatal(err)
		}
		for {
			col, err := c.Next(n)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range col.Len {
				out = append(out, show(col, i))
			}
		}
	}
	return out
}

// show renders one row of a column.
func show(c *batch.Column, i int) string {
	if c.Null(i) {
		return "null"
	}
	switch c.Type.Kind.Form() {
	case batch.IntForm:
		if c.Type.Kind == batch.Uint64 {
			return fmt.Sprint(uint64(c.Ints[i]))
		}
		return fmt.Sprint(c.Ints[i])
	case batch.FloatForm:
		return fmt.Sprint(c.Floats[i])
	case batch.BoolForm:
		return fmt.Sprint(c.Bools[i])
	case batch.StringForm:
		return fmt.Sprintf("%q", c.Text(i))
	case batch.ListForm:
		s := "["
		from, to := c.Range(i)
		for e := from; e < to; e++ {
			for k, child := range c.Children {
				s += show(child, e) + [...]string{"", ":"}[min(1, (len(c.Children)-1)*(1-k))]
			}
			s += " "
		}
		return s + "]"
	}
	s := "{"
	for _, child := range c.Children {
		s += show(child, i) + " "
	}
	return s + "}"
}
