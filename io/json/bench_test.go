package json_test

import (
	stdjson "encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
	"github.com/leatflow/leat/sdk/connector"
)

// events returns n lines of the shape of an event log.
func events(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"user_id":"user-%d","at":"2013-01-31T05:%02d:%02d.123456Z","type":"view","price":%d.25,"qty":%d,"tags":["a","b"],"session":{"id":%d,"agent":"Mozilla/5.0"}}`+"\n",
			i%1000, i/60%60, i%60, i%500, i%7, i)
	}
	return b.String()
}

func eventType() *batch.Type {
	return batchtest.StructOf(
		batch.Field{Name: "user_id", Type: batchtest.Scalar(batch.String)},
		batch.Field{Name: "at", Type: batchtest.Scalar(batch.Time)},
		batch.Field{Name: "type", Type: batchtest.Scalar(batch.String)},
		batch.Field{Name: "price", Type: batchtest.Scalar(batch.Float64)},
		batch.Field{Name: "qty", Type: batchtest.Nullable(batchtest.Scalar(batch.Int32))},
		batch.Field{Name: "tags", Type: batchtest.ListOf(batchtest.Scalar(batch.String))},
	)
}

func BenchmarkRead(b *testing.B) {
	const rows = 50_000
	text := events(rows)
	path := filepath.Join(b.TempDir(), "events.json")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	for _, needed := range [][]bool{nil, {true, true, false, false, false, false}} {
		b.Run(fmt.Sprintf("needed=%v", needed), func(b *testing.B) {
			in, err := json.Source{Path: path}.Open(b.Context(), connector.Request{Type: eventType(), Needed: needed,
				Bad: func(r connector.BadRecord) error { return r }})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := in.Reader(b.Context(), in.Splits()[0])
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for {
					c, err := r.Read(b.Context())
					if err != nil {
						break
					}
					n += c.Len()
				}
				if r.Close(); n != rows {
					b.Fatalf("%d rows", n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	path := filepath.Join(b.TempDir(), "events.json")
	if err := os.WriteFile(path, []byte(events(8000)), 0o644); err != nil {
		b.Fatal(err)
	}
	rows, _, err := read(b, json.Source{Path: path}, eventType())
	if err != nil {
		b.Fatal(err)
	}
	out, err := json.Sink{Dir: filepath.Join(b.TempDir(), "out")}.Open(b.Context(), connector.SinkRequest{Type: eventType(), Parallelism: 1})
	if err != nil {
		b.Fatal(err)
	}
	w, err := out.Writer(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(b.Context(), &batch.Batch{Root: rows}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows.Len), "ns/row")
	if err := w.Abort(); err != nil {
		b.Fatal(err)
	}
	if err := out.Abort(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkStandardLibrary(b *testing.B) {
	// The baseline for BenchmarkRead: encoding/json into Go structs, line by line.
	type event struct {
		UserID string    `json:"user_id"`
		At     time.Time `json:"at"`
		Type   string    `json:"type"`
		Price  float64   `json:"price"`
		Qty    *int32    `json:"qty"`
		Tags   []string  `json:"tags"`
	}
	const rows = 50_000
	text := events(rows)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for line := range strings.Lines(text) {
			var e event
			if err := stdjson.Unmarshal([]byte(line), &e); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}
