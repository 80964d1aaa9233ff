package parquet_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	parquetgo "github.com/parquet-go/parquet-go"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/field"
)

// visit is a row as parquet-go writes it, and as conditions name its fields.
type visit struct {
	At    int64    `parquet:"at,delta" leat:"at"`
	Plain int64    `parquet:"plain,plain" leat:"plain"`
	Maybe *int64   `parquet:"maybe,optional" leat:"maybe"`
	User  *string  `parquet:"user,optional,dict" leat:"user"`
	Long  string   `parquet:"long,delta" leat:"long"`
	Share float64  `parquet:"share" leat:"share"`
	Flag  bool     `parquet:"flag" leat:"flag"`
	Inner inner    `parquet:"inner" leat:"inner"`
	Tags  []string `parquet:"tags,list" leat:"tags"`
	Row   int64    `parquet:"-" leat:"row"`
}

type inner struct {
	N *int32 `parquet:"n,optional" leat:"n"`
}

func visitType() *batch.Type {
	return row("at", kind(batch.Int64), "plain", kind(batch.Int64), "maybe", nullable(batch.Int64), "user", nullable(batch.String), "long", kind(batch.String),
		"share", kind(batch.Float64), "flag", kind(batch.Bool), "inner", row("n", nullable(batch.Int32)),
		"tags", &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: kind(batch.String)}}}, "row", kind(batch.Int64))
}

// visits are rows whose columns are more or less sorted, so that pages differ.
func visits(r *rand.Rand, n int) []visit {
	out := make([]visit, n)
	for i := range out {
		v := visit{At: int64(i) + r.Int64N(5), Plain: int64(n-i) / 10, Long: strings.Repeat("long ", i%30) + fmt.Sprint(i/40), Share: float64(i/25) / 8, Flag: i/150%2 == 0}
		if i/60%3 > 0 {
			m := int64(i % 400)
			v.Maybe = &m
		}
		if r.IntN(4) > 0 && i%300 > 50 {
			u := fmt.Sprintf("user-%02d", i/35)
			v.User = &u
		}
		if i/90%4 > 1 {
			m := int32(i / 90)
			v.Inner.N = &m
		}
		for range r.IntN(3) {
			v.Tags = append(v.Tags, fmt.Sprint("tag", i/20))
		}
		out[i] = v
	}
	return out
}

// visitFiles writes the same rows with parquet-go, in both page versions, and
// anew by our writer.
func visitFiles(t *testing.T, r *rand.Rand, n int) []string {
	rows := visits(r, n)
	var out []string
	dir := t.TempDir()
	put := func(name string, b []byte) {
		if err := os.WriteFile(dir+name, b, 0o644); err != nil {
			t.Fatal(err)
		}
		out = append(out, dir+name)
	}
	for version := 1; version <= 2; version++ {
		var b bytes.Buffer
		w := parquetgo.NewGenericWriter[visit](&b, parquetgo.DataPageVersion(version), parquetgo.PageBufferSize(200+r.IntN(2000)), parquetgo.MaxRowsPerRowGroup(int64(200+r.IntN(n))))
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		put(fmt.Sprintf("/v%d.parquet", version), b.Bytes())
	}
	typ := visitType()
	typ.Fields = typ.Fields[:len(typ.Fields)-1]
	cols, err := readAll(parquet.Source{Path: out[0]}, connector.Request{Type: typ})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		var b bytes.Buffer
		w, err := pages.NewWriter(&b, typ, pages.WriterOptions{PageRows: 1 + r.IntN(120), RowGroupRows: 100 + r.IntN(n)})
		for _, c := range cols {
			if err == nil {
				err = w.Write(c)
			}
		}
		if err == nil {
			_, err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		put(fmt.Sprintf("/leat-%d.parquet", i), b.Bytes())
	}
	return out
}

// condition makes a random condition over n rows of visits.
func condition(r *rand.Rand, n, depth int) func(v *visit) field.Cond {
	if depth > 0 && r.IntN(3) > 0 {
		a, b := condition(r, n, depth-1), condition(r, n, depth-1)
		switch r.IntN(3) {
		case 0:
			return func(v *visit) field.Cond { return field.And(a(v), b(v)) }
		case 1:
			return func(v *visit) field.Cond { return field.Or(a(v), b(v)) }
		}
		return func(v *visit) field.Cond { return field.Not(a(v)) }
	}
	k := r.Int64N(int64(n))
	compare := func(ops int, at, plain, maybe, row int64, user, long string, share float64, m int32) func(v *visit) field.Cond {
		op := r.IntN(ops)
		column := r.IntN(9)
		return func(v *visit) field.Cond {
			switch column {
			case 0:
				return ordered(op, &v.At, at)
			case 1:
				return ordered(op, &v.Plain, plain)
			case 2:
				return ordered(op, v.Maybe, maybe)
			case 3:
				return ordered(op, v.User, user)
			case 4:
				return ordered(op, &v.Long, long)
			case 5:
				return ordered(op, &v.Share, share)
			case 6:
				return ordered(op, v.Inner.N, m)
			}
			return field.And(field.AtLeast(&v.At, 0), ordered(op, &v.Row, row)) // true of all, so that there are pages to cut at
		}
	}
	switch r.IntN(8) {
	case 0:
		return func(v *visit) field.Cond { return field.Equal(&v.Flag, k%2 == 0) }
	case 1:
		return func(v *visit) field.Cond { return field.IsNull(v.User) }
	case 2:
		return func(v *visit) field.Cond { return field.Not(field.IsNull(v.Maybe)) }
	case 3:
		return func(v *visit) field.Cond { return field.In(&v.Plain, k, k/10, k/20) }
	}
	return compare(6, k, k/10, k%400, k, fmt.Sprintf("user-%02d", k/35), strings.Repeat("long ", int(k%30))+fmt.Sprint(k/40), float64(k/25)/8, int32(k/90))
}

func ordered[T field.Ordered](op int, f *T, v T) field.Cond {
	return [...]func(*T, T) field.Cond{field.Less[T], field.AtMost[T], field.Greater[T], field.AtLeast[T], field.Equal[T], field.NotEqual[T]}[op](f, v)
}

// kept returns, as text, the rows of cols that pass the filter.
func kept(cols []*batch.Column, p *field.Predicate) (out []string, read int) {
	e := p.NewEvaluator()
	for _, c := range cols {
		read += c.Len
		for _, i := range e.Rows(c, nil, nil) {
			out = append(out, c.Format(int(i)))
		}
	}
	return out, read
}

func TestSkippingPagesChangesNothing(t *testing.T) {
	// Whatever the condition, the file and the size of batches: the rows that pass
	// it, with their positions, are the same whether pages are skipped or not.
	r := rand.New(rand.NewPCG(21, 21))
	const n = 1000
	typ := visitType()
	var all, some, fewer int
	for range 3 {
		for _, path := range visitFiles(t, r, n) {
			whole, err := readAll(parquet.Source{Path: path, RowPosition: "row"}, connector.Request{Type: typ})
			if err != nil {
				t.Fatal(err)
			}
			for range 60 {
				p, err := field.Describe(condition(r, n, r.IntN(4)))
				if err != nil {
					t.Fatal(err)
				}
				want, _ := kept(whole, p)
				request := connector.Request{Type: typ, Filter: p, BatchRows: 1 + r.IntN(300)}
				cols, err := readAll(parquet.Source{Path: path, RowPosition: "row"}, request)
				if err != nil {
					t.Fatalf("%s: %s: %v", path, p, err)
				}
				for _, c := range cols {
					if err := batch.Validate(c); err != nil || c.Len > request.BatchRows || c.Len == 0 {
						t.Fatalf("%s: %s: a batch of %d rows: %v", path, p, c.Len, err)
					}
				}
				got, paged := kept(cols, p)
				if !slices.Equal(got, want) {
					t.Fatalf("%s: %s: %d rows, want %d", path, p, len(got), len(want))
				}
				cols, err = readAll(parquet.Source{Path: path, RowPosition: "row", IgnorePageIndex: true}, request)
				if err != nil {
					t.Fatal(err)
				}
				_, grouped := kept(cols, p)
				if paged > grouped {
					t.Fatalf("%s: %s: %d rows were read by pages, %d by row groups", path, p, paged, grouped)
				}
				if all, some = all+grouped, some+paged; paged < grouped {
					fewer++
				}
			}
		}
	}
	t.Logf("%d of %d rows were read; pages were skipped for %d conditions", some, all, fewer)
	if fewer < 200 || some > all*9/10 {
		t.Errorf("%d of %d rows were read; pages were skipped for %d conditions only", some, all, fewer)
	}
}

func TestSkipsPagesBetween(t *testing.T) {
	// Pages are left out between rows that match, not before and behind them only.
	r := rand.New(rand.NewPCG(22, 22))
	for _, path := range visitFiles(t, r, 1000) {
		p, err := field.Describe(func(v *visit) field.Cond {
			return field.Or(field.Less(&v.At, 10), field.Between(&v.At, 500, 510), field.Greater(&v.At, 990))
		})
		if err != nil {
			t.Fatal(err)
		}
		cols, err := readAll(parquet.Source{Path: path}, connector.Request{Type: visitType(), Needed: []bool{true, 9: false}, Filter: p})
		if err != nil {
			t.Fatal(err)
		}
		narrow := make([]*batch.Column, len(cols))
		for i, c := range cols {
			narrow[i] = batch.NewStruct(row("at", kind(batch.Int64)), c.Len, c.Children[0])
		}
		if got, read := kept(narrow, p); len(got) < 20 || read > 800 {
			t.Errorf("%s: %d rows were read for %d", path, read, len(got))
		}
	}
}

// shelf is a bucket of one object that counts the bytes read of it.
type shelf struct {
	object []byte
	read   int
}

func (s *shelf) List(context.Context, string, func(parquet.Object)) error { return nil }

func (s *shelf) Stat(_ context.Context, key string) (parquet.Object, error) {
	if key != "x.parquet" {
		return parquet.Object{}, fs.ErrNotExist
	}
	return parquet.Object{Key: key, Size: int64(len(s.object))}, nil
}

func (s *shelf) Read(ctx context.Context, key string, p []byte, off int64) (parquet.Object, error) {
	s.read += copy(p, s.object[off:])
	return s.Stat(ctx, key)
}

// timeline is a file of n rows, sorted by time, in row groups of groupRows (0: the
// writer's default).
func timeline(t testing.TB, n, groupRows int) ([]byte, *batch.Type) {
	typ := row("at", kind(batch.Time), "id", kind(batch.Int64), "user", kind(batch.String), "amount", kind(batch.Float64))
	r := rand.New(rand.NewPCG(31, 31))
	c := batch.NewStruct(typ, n, batch.NewInts(typ.Fields[0].Type, make([]int64, n)), batch.NewInts(typ.Fields[1].Type, make([]int64, n)),
		&batch.Column{Type: typ.Fields[2].Type, Len: n}, batch.NewFloats(typ.Fields[3].Type, make([]float64, n)))
	for i := range n {
		c.Children[0].Ints[i] = int64(i) * 1_000_000
		c.Children[1].Ints[i] = r.Int64()
		c.Children[2].Strings.Append(fmt.Sprintf("user-%d", r.IntN(5000)))
		c.Children[3].Floats[i] = r.NormFloat64()
	}
	var b bytes.Buffer
	w, err := pages.NewWriter(&b, typ, pages.WriterOptions{RowGroupRows: groupRows})
	if err == nil {
		err = w.Write(c)
	}
	if err == nil {
		_, err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), typ
}

func TestSkippedPagesAreNotRead(t *testing.T) {
	// A condition on a sorted time fetches a small part of the file, object storage
	// included; rows of one page are read, and none where none can match.
	b, typ := timeline(t, 400_000, 400_000)
	for from, rows := range map[int64]int{123_456: 70_000, 900_000: 0} {
		p := &field.Predicate{Op: field.OpAnd, Children: []*field.Predicate{
			{Op: field.OpAtLeast, Ref: field.Ref{Path: []int{0}, Name: "at", Type: typ.Fields[0].Type}, Values: []field.Value{{Kind: batch.Time, Int: from * 1_000_000}}},
			{Op: field.OpLess, Ref: field.Ref{Path: []int{0}, Name: "at", Type: typ.Fields[0].Type}, Values: []field.Value{{Kind: batch.Time, Int: (from + 100) * 1_000_000}}},
		}}
		var read [2]int
		for i, ignore := range []bool{false, true} {
			s := &shelf{object: b}
			cols, err := readAll(parquet.Source{Bucket: s, Path: "x.parquet", IgnorePageIndex: ignore}, connector.Request{Type: typ, Filter: p})
			if err != nil {
				t.Fatal(err)
			}
			got, n := kept(cols, p)
			if want := min(rows, 100); len(got) != want || !ignore && n > rows {
				t.Errorf("%d rows pass of %d that were read, want %d of %d", len(got), n, want, rows)
			}
			read[i] = s.read
		}
		t.Logf("from %d s on: %d of %d bytes were fetched, %d without the index", from, read[0], len(b), read[1])
		if rows > 0 && read[0]*2 > read[1] {
			t.Errorf("%d bytes were fetched, %d without the index", read[0], read[1])
		}
	}
}

// BenchmarkSelective reads an hour out of three million rows sorted by time, one a
// second, from a file in memory: with the page index and without.
func BenchmarkSelective(b *testing.B) {
	raw, typ := timeline(b, 3_000_000, 0)
	at := field.Ref{Path: []int{0}, Name: "at", Type: typ.Fields[0].Type}
	second := func(s int64) []field.Value { return []field.Value{{Kind: batch.Time, Int: s * 1_000_000}} }
	p := &field.Predicate{Op: field.OpAnd, Children: []*field.Predicate{
		{Op: field.OpAtLeast, Ref: at, Values: second(1_500_000)}, {Op: field.OpLess, Ref: at, Values: second(1_503_600)}}}
	for name, ignore := range map[string]bool{"pages": false, "row groups": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var read int
			for b.Loop() {
				cols, err := readAll(parquet.Source{Bucket: &shelf{object: raw}, Path: "x.parquet", IgnorePageIndex: ignore}, connector.Request{Type: typ, Filter: p})
				if err != nil {
					b.Fatal(err)
				}
				rows := 0
				e := p.NewEvaluator()
				read = 0
				for _, c := range cols {
					rows += len(e.Rows(c, nil, nil))
					read += c.Len
				}
				if rows != 3600 {
					b.Fatal(rows)
				}
			}
			b.ReportMetric(float64(read), "rows-read")
		})
	}
}
