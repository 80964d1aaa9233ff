package protobuf_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/leatflow/leat/io/protobuf"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
	"github.com/leatflow/leat/sdk/connector/message/messagetest"
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
	typ := batchtest.StructOf(batch.Field{Name: "origin", Type: batchtest.Scalar(batch.String)}, batch.Field{Name: "destination", Type: batchtest.Scalar(batch.String)},
		batch.Field{Name: "at", Type: batchtest.Scalar(batch.Time)}, batch.Field{Name: "delay", Type: batchtest.Nullable(batchtest.Scalar(batch.Int64))},
		batch.Field{Name: "distance", Type: batchtest.Scalar(batch.Float64)}, batch.Field{Name: "seq", Type: batchtest.Scalar(batch.Int64)})
	report := describe(b, benchFile, "Report")
	f := protobuf.Format{Message: report}
	d := messagetest.Decoder(b, f, typ)
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
	payloads := messagetest.Encode(b, f, column)
	messagetest.Bench(b, f, typ, payloads)
	messagetest.Measure(b, "library decode into dynamicpb", payloads, func(b *testing.B) {
		for _, payload := range payloads {
			if err := proto.Unmarshal(payload, dynamicpb.NewMessage(report)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
