package json_test

import (
	"strings"
	"testing"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
	"github.com/leatflow/leat/sdk/connector/message/messagetest"
)

// reportType is a record of six fields as a topic has them, and its payloads.
func reportType() *batch.Type {
	return batchtest.StructOf(
		batch.Field{Name: "origin", Type: batchtest.Scalar(batch.String)},
		batch.Field{Name: "destination", Type: batchtest.Scalar(batch.String)},
		batch.Field{Name: "at", Type: batchtest.Scalar(batch.Time)},
		batch.Field{Name: "delay", Type: batchtest.Nullable(batchtest.Scalar(batch.Int64))},
		batch.Field{Name: "distance", Type: batchtest.Scalar(batch.Float64)},
		batch.Field{Name: "seq", Type: batchtest.Scalar(batch.Int64)},
	)
}

func reports(b *testing.B, n int) *batch.Column {
	d := messagetest.Decoder(b, json.Format{}, reportType())
	for i := range n {
		text := strings.NewReplacer("DELAY", []string{"null", "-4", "17", "128"}[i%4], "SEQ", strings.Repeat("7", 3+i%6),
			"MIN", string(rune('0'+i%6))+string(rune('0'+i%10))).
			Replace(`{"origin":"JFK","destination":"LAX","at":"2001-01-31T05:MIN:09.250000Z","delay":DELAY,"distance":2475.5,"seq":SEQ}`)
		if err := d.Decode(b.Context(), []byte(text)); err != nil {
			b.Fatal(err)
		}
	}
	return d.Take()
}

func BenchmarkFormat(b *testing.B) {
	messagetest.Bench(b, json.Format{}, reportType(), messagetest.Encode(b, json.Format{}, reports(b, 4096)))
}
