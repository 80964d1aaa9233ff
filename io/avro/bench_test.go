package avro_test

import (
	"fmt"
	"testing"

	library "github.com/twmb/avro"

	"github.com/leatflow/leat/io/avro"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
)

const benchSchema = `{"type":"record","name":"Report","fields":[{"name":"origin","type":"string"},{"name":"destination","type":"string"},
	{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"delay","type":["null","long"]},
	{"name":"distance","type":"double"},{"name":"seq","type":"long"}]}`

type benchRow struct {
	Origin      string  `avro:"origin"`
	Destination string  `avro:"destination"`
	At          int64   `avro:"at"`
	Delay       *int64  `avro:"delay"`
	Distance    float64 `avro:"distance"`
	Seq         int64   `avro:"seq"`
}

func BenchmarkFormat(b *testing.B) {
	const rows = 4096
	typ := structOf(batch.Field{Name: "origin", Type: scalar(batch.String)}, batch.Field{Name: "destination", Type: scalar(batch.String)},
		batch.Field{Name: "at", Type: scalar(batch.Time)}, batch.Field{Name: "delay", Type: nullable(scalar(batch.Int64))},
		batch.Field{Name: "distance", Type: scalar(batch.Float64)}, batch.Field{Name: "seq", Type: scalar(batch.Int64)})
	f, schema := avro.Format{Schema: benchSchema}, library.MustParse(benchSchema)
	size, all := 0, [][]byte{}
	d := decoder(b, f, typ)
	for i := range rows {
		delay := int64(i%200 - 20)
		row := benchRow{Origin: "JFK", Destination: fmt.Sprintf("D%02d", i%77), At: 1e15 + int64(i)*1e6, Delay: &delay, Distance: 2475.5, Seq: int64(i)}
		if i%4 == 0 {
			row.Delay = nil
		}
		payload, err := schema.Encode(&row)
		if err != nil {
			b.Fatal(err)
		}
		size += len(payload)
		all = append(all, payload)
		if err := d.Decode(b.Context(), payload); err != nil {
			b.Fatal(err)
		}
	}
	column := d.Take()
	report := func(b *testing.B) {
		b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
	}
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, payload := range all {
				if err := d.Decode(b.Context(), payload); err != nil {
					b.Fatal(err)
				}
			}
			if d.Take().Len != rows {
				b.Fatal("rows are missing")
			}
		}
		report(b)
	})
	b.Run("encode", func(b *testing.B) {
		e, err := f.Encoder(b.Context(), message.EncodeRequest{Type: typ})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(size))
		b.ReportAllocs()
		var dst []byte
		var ends []int
		for b.Loop() {
			if dst, ends, err = e.Encode(b.Context(), dst[:0], ends[:0], column); err != nil || len(dst) != size {
				b.Fatal(len(dst), size, err)
			}
		}
		report(b)
	})
	b.Run("library decode into structs", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, payload := range all {
				var row benchRow
				if _, err := schema.Decode(payload, &row); err != nil {
					b.Fatal(err)
				}
			}
		}
		report(b)
	})
}
