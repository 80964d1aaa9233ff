package json_test

import (
	"strings"
	"testing"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
)

// reportType is a record of six fields as a topic has them, and its payloads.
func reportType() *batch.Type {
	return structOf(
		batch.Field{Name: "origin", Type: scalar(batch.String)},
		batch.Field{Name: "destination", Type: scalar(batch.String)},
		batch.Field{Name: "at", Type: scalar(batch.Time)},
		batch.Field{Name: "delay", Type: nullable(scalar(batch.Int64))},
		batch.Field{Name: "distance", Type: scalar(batch.Float64)},
		batch.Field{Name: "seq", Type: scalar(batch.Int64)},
	)
}

func reports(b *testing.B, n int) *batch.Column {
	d := decoder(b, json.Format{}, reportType(), nil)
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
	const rows = 4096
	column := reports(b, rows)
	all := payloads(b, column)
	size := 0
	for _, payload := range all {
		size += len(payload)
	}
	perSecond := func(b *testing.B) {
		b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
	}
	b.Run("decode", func(b *testing.B) {
		d := decoder(b, json.Format{}, reportType(), nil)
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
		perSecond(b)
	})
	b.Run("encode", func(b *testing.B) {
		e, err := json.Format{}.Encoder(b.Context(), message.EncodeRequest{Type: column.Type})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(size))
		b.ReportAllocs()
		var dst []byte
		var ends []int
		for b.Loop() {
			if dst, ends, err = e.Encode(b.Context(), dst[:0], ends[:0], column); err != nil || len(dst) != size {
				b.Fatal(len(dst), err)
			}
		}
		perSecond(b)
	})
}
