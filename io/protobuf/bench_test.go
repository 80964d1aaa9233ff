package protobuf_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/leatflow/leat/io/protobuf"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
)

const benchFile = `name: "bench.proto" package: "t" syntax: "proto3" dependency: "google/protobuf/timestamp.proto"
message_type { name: "Report"
  field { name: "origin" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "destination" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "at" number: 3 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "delay" number: 4 type: TYPE_INT64 label: LABEL_OPTIONAL proto3_optional: true oneof_index: 0 }
  field { name: "distance" number: 5 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
  field { name: "seq" number: 6 type: TYPE_INT64 label: LABEL_OPTIONAL }
  oneof_decl { name: "_delay" } }`

func BenchmarkFormat(b *testing.B) {
	const rows = 4096
	typ := structOf(batch.Field{Name: "origin", Type: scalar(batch.String)}, batch.Field{Name: "destination", Type: scalar(batch.String)},
		batch.Field{Name: "at", Type: scalar(batch.Time)}, batch.Field{Name: "delay", Type: nullable(scalar(batch.Int64))},
		batch.Field{Name: "distance", Type: scalar(batch.Float64)}, batch.Field{Name: "seq", Type: scalar(batch.Int64)})
	report := describe(b, benchFile, "Report")
	f := protobuf.Format{Message: report}
	d := decoder(b, f, typ)
	for i := range rows {
		text := fmt.Sprintf(`origin: "JFK" destination: "D%02d" at { seconds: %d } distance: 2475.5 seq: %d`, i%77, 1e9+i, i)
		if i%4 > 0 {
			text += fmt.Sprintf(" delay: %d", i%200-20)
		}
		if err := d.Decode(b.Context(), parse(b, report, text)); err != nil {
			b.Fatal(err)
		}
	}
	column := d.Take()
	all, size := encode(b, f, column), 0
	for _, payload := range all {
		size += len(payload)
	}
	rate := func(b *testing.B) {
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
		rate(b)
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
		rate(b)
	})
	b.Run("library decode into dynamicpb", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, payload := range all {
				if err := proto.Unmarshal(payload, dynamicpb.NewMessage(report)); err != nil {
					b.Fatal(err)
				}
			}
		}
		rate(b)
	})
}
