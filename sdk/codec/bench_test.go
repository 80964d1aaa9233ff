package codec

import (
	"fmt"
	"testing"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

// report adds ns/row: the unit in which the budget of a row is set.
func report(b *testing.B, rows int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
}

type view4 struct {
	User  string
	Item  string
	Price float64
	Qty   int64
}

type view5 struct {
	User  string
	Type  string
	Price float64
	Qty   int32
	At    time.Time
}

type nested struct {
	User string
	Opt  *int64
	Tags []string
	Sub  struct{ A, B int64 }
}

func benchRows[T any](n int, row func(i int) T) []T {
	rows := make([]T, n)
	for i := range rows {
		rows[i] = row(i)
	}
	return rows
}

func benchmarkCodec[T any](b *testing.B, name string, rows []T) {
	c, err := For[T]()
	if err != nil {
		b.Fatal(err)
	}
	e := c.NewEncoder()
	if err := e.Append(rows); err != nil {
		b.Fatal(err)
	}
	plain := e.Finish()
	const chunk = 256
	dst, half := make([]T, chunk), make([]int32, chunk)
	for i := range half {
		half[i] = int32(2 * i)
	}
	decode := func(col *batch.Column, rows []int32) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Decode(col, rows, dst); err != nil {
					b.Fatal(err)
				}
			}
			report(b, chunk)
		}
	}
	b.Run(name+"/decode/plain", decode(plain, nil))
	b.Run(name+"/decode/selection", decode(plain, half))
	b.Run(name+"/decode/dictionary", decode(dictionaries(plain), nil))
	b.Run(name+"/encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for from := 0; from < len(rows); from += chunk {
				if err := e.Append(rows[from : from+chunk]); err != nil {
					b.Fatal(err)
				}
			}
			e.Finish()
		}
		report(b, len(rows))
	})
}

func BenchmarkCodec(b *testing.B) {
	user := func(i int) string { return fmt.Sprintf("user-%d", i*31%5000) }
	benchmarkCodec(b, "fields=4", benchRows(8192, func(i int) view4 { return view4{user(i), fmt.Sprint(i % 100), float64(i), int64(i)} }))
	benchmarkCodec(b, "fields=5,time", benchRows(8192, func(i int) view5 {
		return view5{user(i), "view", float64(i), int32(i), time.UnixMicro(int64(i)).UTC()}
	}))
	benchmarkCodec(b, "nested", benchRows(8192, func(i int) nested {
		n := int64(i)
		return nested{User: user(i), Opt: &n, Tags: []string{"a", "b"}}
	}))
}

func BenchmarkKeyHashes(b *testing.B) {
	dict := keyColumn(8192, 1000)
	for _, test := range []struct {
		name string
		c    *batch.Column
	}{{"int64", batch.NewInts(of(batch.Int64), make([]int64, 8192))}, {"string", dict.Plain()}, {"dictionary", dict},
		{"struct", batch.NewStruct(&batch.Type{Kind: batch.Struct}, 8192, dict.Plain(), batch.NewInts(of(batch.Int64), make([]int64, 8192)))}} {
		b.Run(test.name, func(b *testing.B) {
			out := make([]uint64, test.c.Len)
			var h Hasher
			b.ReportAllocs()
			for b.Loop() {
				h.Hashes(test.c, nil, out)
			}
			report(b, len(out))
		})
	}
}

// The loops one would write for view4 by hand, to read the figures against.
func BenchmarkHandWritten(b *testing.B) {
	rows := benchRows(8192, func(i int) view4 {
		return view4{fmt.Sprintf("user-%d", i*31%5000), fmt.Sprint(i % 100), float64(i), int64(i)}
	})
	var user, item batch.Strings
	var price []float64
	var qty []int64
	encode := func(rows []view4) {
		for i := range rows {
			r := &rows[i]
			user.Append(r.User)
			item.Append(r.Item)
			price = append(price, r.Price)
			qty = append(qty, r.Qty)
		}
	}
	encode(rows)
	b.Run("decode", func(b *testing.B) {
		dst := make([]view4, 256)
		for b.Loop() {
			for i := range dst {
				dst[i] = view4{user.At(i), item.At(i), price[i], qty[i]}
			}
		}
		report(b, len(dst))
	})
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			users, items := len(user.Data), len(item.Data)
			user = batch.Strings{Offsets: make([]int32, 0, 8193), Data: make([]byte, 0, users)}
			item = batch.Strings{Offsets: make([]int32, 0, 8193), Data: make([]byte, 0, items)}
			price, qty = make([]float64, 0, 8192), make([]int64, 0, 8192)
			encode(rows)
		}
		report(b, len(rows))
	})
}
