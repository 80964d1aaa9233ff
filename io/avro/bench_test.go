package avro_test

import (
	"fmt"
	"testing"

	library "github.com/twmb/avro"

	"github.com/leatflow/leat/io/avro"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
	"github.com/leatflow/leat/sdk/connector/message/messagetest"
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
	typ := batchtest.StructOf(batch.Field{Name: "origin", Type: batchtest.Scalar(batch.String)}, batch.Field{Name: "destination", Type: batchtest.Scalar(batch.String)},
		batch.Field{Name: "at", Type: batchtest.Scalar(batch.Time)}, batch.Field{Name: "delay", Type: batchtest.Nullable(batchtest.Scalar(batch.Int64))},
		batch.Field{Name: "distance", Type: batchtest.Scalar(batch.Float64)}, batch.Field{Name: "seq", Type: batchtest.Scalar(batch.Int64)})
	f, schema := avro.Format{Schema: benchSchema}, library.MustParse(benchSchema)
	var payloads [][]byte
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
		payloads = append(payloads, payload)
	}
	messagetest.Bench(b, f, typ, payloads)
	messagetest.Measure(b, "library decode into structs", payloads, func(b *testing.B) {
		for _, payload := range payloads {
			var row benchRow
			if _, err := schema.Decode(payload, &row); err != nil {
				b.Fatal(err)
			}
		}
	})
}
