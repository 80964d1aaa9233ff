package pages_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
)

// goRow is a row as parquet-go writes it: encodings by tag, times of all units.
type goRow struct {
	Plain   int64            `parquet:"plain,plain"`
	Delta   int32            `parquet:"delta,delta"`
	Dict    string           `parquet:"dict,dict,optional"`
	Lengths string           `parquet:"lengths,delta"`
	Float   float64          `parquet:"float,split"`
	Flag    bool             `parquet:"flag"`
	Millis  int64            `parquet:"millis,timestamp(millisecond)"`
	Nanos   int64            `parquet:"nanos,timestamp(nanosecond),delta"`
	Day     int32            `parquet:"day,date,dict"`
	Old     deprecated.Int96 `parquet:"old"`
	Tags    []string         `parquet:"tags,list"`
	Bare    []int64          `parquet:"bare"`
	Inner   *goInner         `parquet:"inner,optional"`
}

type goInner struct {
	A int64   `parquet:"a"`
	B *string `parquet:"b,optional"`
}

func goRows(n int) []goRow {
	r := rand.New(rand.NewPCG(5, 5))
	rows := make([]goRow, n)
	for i := range rows {
		text := fmt.Sprintf("text-%d", r.IntN(200))
		row := goRow{Plain: r.Int64() - 1<<62, Delta: int32(r.Uint32()), Lengths: text, Float: r.NormFloat64(), Flag: r.IntN(2) == 0,
			Millis: r.Int64N(1<<42) - 1<<41, Nanos: r.Int64N(1<<60) - 1<<59, Day: int32(r.IntN(40000) - 20000)}
		if r.IntN(3) > 0 {
			row.Dict = text
		}
		nanos := uint64(r.Int64N(86_400_000_000_000)) // of the Julian day
		row.Old = deprecated.Int96{uint32(nanos), uint32(nanos >> 32), uint32(2_440_588 + r.IntN(9000) - 4500)}
		for range r.IntN(3) {
			row.Tags, row.Bare = append(row.Tags, text), append(row.Bare, r.Int64N(9))
		}
		if r.IntN(2) == 0 {
			row.Inner = &goInner{A: r.Int64N(100)}
			if r.IntN(2) == 0 {
				row.Inner.B = &text
			}
		}
		rows[i] = row
	}
	return rows
}

// texts renders each column of the rows as show does.
func (r goRow) texts() map[string]string {
	floor := func(ns int64) int64 { return time.Unix(0, ns).UnixMicro() }
	old := (int64(r.Old[2])-2_440_588)*86_400_000_000 + r.Old.Int64()/1000
	out := map[string]string{
		"plain": fmt.Sprint(r.Plain), "delta": fmt.Sprint(r.Delta), "dict": fmt.Sprintf("%q", r.Dict), "lengths": fmt.Sprintf("%q", r.Lengths),
		"float": fmt.Sprint(r.Float), "flag": fmt.Sprint(r.Flag), "millis": fmt.Sprint(r.Millis * 1000), "nanos": fmt.Sprint(floor(r.Nanos)),
		"day": fmt.Sprint(int64(r.Day) * 86_400_000_000), "old": fmt.Sprint(old), "tags": "[", "bare": "[", "inner": "null",
	}
	if r.Dict == "" {
		out["dict"] = "null"
	}
	for i := range r.Tags {
		out["tags"] += fmt.Sprintf("%q ", r.Tags[i])
		out["bare"] += fmt.Sprintf("%d ", r.Bare[i])
	}
	out["tags"] += "]"
	out["bare"] += "]"
	if r.Inner != nil {
		out["inner"] = fmt.Sprintf("{%d null }", r.Inner.A)
		if r.Inner.B != nil {
			out["inner"] = fmt.Sprintf("{%d %q }", r.Inner.A, *r.Inner.B)
		}
	}
	return out
}

func TestReadsParquetGoFiles(t *testing.T) {
	// What parquet-go writes, in both page versions, is read as it was given.
	rows := goRows(1500)
	for version := 1; version <= 2; version++ {
		var out bytes.Buffer
		w := parquet.NewGenericWriter[goRow](&out, parquet.DataPageVersion(version), parquet.PageBufferSize(700), parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(800))
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f := open(t, out.Bytes())
		for _, n := range f.Schema().Children {
			var want []string
			for _, r := range rows {
				want = append(want, r.texts()[n.Name])
			}
			if got := read(t, f, n.Name, 100); !slices.Equal(got, want) {
				at := mismatch(got, want)
				t.Errorf("version %d: %s %s: row %d: got %s, want %s", version, n.Name, n.Type, at, got[at], want[at])
			}
		}
	}
}

func TestParquetGoReadsOurFiles(t *testing.T) {
	// parquet-go's row reader reads from our files what was written.
	typ := plain(batch.Struct, named("a", plain(batch.Int64)), named("b", nullable(batch.String)), named("c", plain(batch.Float64)),
		named("d", plain(batch.Bool)), named("e", plain(batch.Int32)), named("f", plain(batch.List, named("element", plain(batch.String)))))
	type row struct {
		A int64    `parquet:"a"`
		B *string  `parquet:"b,optional"`
		C float64  `parquet:"c"`
		D bool     `parquet:"d"`
		E int32    `parquet:"e"`
		F []string `parquet:"f,list"`
	}
	g := generator{rand.New(rand.NewPCG(9, 9)), 50, false}
	c := g.column(typ, 1000)
	b := write(t, typ, pages.WriterOptions{PageRows: 90, RowGroupRows: 400}, c)
	rows, err := parquet.Read[row](bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != c.Len {
		t.Fatalf("%d rows, want %d", len(rows), c.Len)
	}
	for i, r := range rows {
		got := []string{fmt.Sprint(r.A), "null", fmt.Sprint(r.C), fmt.Sprint(r.D), fmt.Sprint(r.E), "["}
		if r.B != nil {
			got[1] = fmt.Sprintf("%q", *r.B)
		}
		for _, s := range r.F {
			got[5] += fmt.Sprintf("%q ", s)
		}
		got[5] += "]"
		for k, child := range c.Children {
			if want := show(child, i); got[k] != want {
				t.Fatalf("row %d, column %d: got %s, want %s", i, k, got[k], want)
			}
		}
	}
}
