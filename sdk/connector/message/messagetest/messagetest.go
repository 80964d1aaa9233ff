// Package messagetest is what tests of formats of payloads share: payloads and rows
// of a format, the rows around a bad payload, and the benchmark of both directions.
package messagetest

import (
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
)

// topic is what decoders and encoders are made for.
const topic = "events"

// Decoder returns a decoder of values of the topic events. needed is as in
// message.DecodeRequest.
func Decoder(t testing.TB, f message.Format, typ *batch.Type, needed ...bool) message.Decoder {
	t.Helper()
	d, err := f.Decoder(t.Context(), message.DecodeRequest{Topic: topic, Type: typ, Needed: needed})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Row decodes one payload and renders the row, or returns what is wrong with it.
func Row(t testing.TB, d message.Decoder, payload []byte) (string, error) {
	t.Helper()
	if err := d.Decode(t.Context(), payload); err != nil {
		return "", err
	}
	rows := d.Take()
	if err := batch.Validate(rows); err != nil || rows.Len != 1 {
		t.Fatalf("%x: %d rows, %v", payload, rows.Len, err)
	}
	return rows.Format(0), nil
}

// Encode returns the payloads of all rows of a column, which are to be appended to
// what an encoder is given.
func Encode(t testing.TB, f message.Format, rows *batch.Column) [][]byte {
	t.Helper()
	e, err := f.Encoder(t.Context(), message.EncodeRequest{Topic: topic, Type: rows.Type})
	if err != nil {
		t.Fatal(err)
	}
	data, ends, err := e.Encode(t.Context(), []byte("kept"), []int{4}, rows)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for i := 1; i < len(ends); i++ {
		all = append(all, data[ends[i-1]:ends[i]])
	}
	if len(all) != rows.Len || string(data[:4]) != "kept" || ends[0] != 4 || ends[len(ends)-1] != len(data) {
		t.Fatalf("%d payloads of %d rows", len(all), rows.Len)
	}
	return all
}

// Between decodes a payload between two good ones, which are to be the same row
// whatever is between. It returns all rows, and what is wrong with the payload.
func Between(t testing.TB, d message.Decoder, good, payload []byte) (*batch.Column, error) {
	t.Helper()
	if err := d.Decode(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	bad := d.Decode(t.Context(), payload)
	if err := d.Decode(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	rows := d.Take()
	if err := batch.Validate(rows); err != nil {
		t.Fatalf("%.40q: %v", payload, err)
	}
	if last := rows.Len - 1; rows.Format(0) != rows.Format(last) || (bad == nil) != (last == 2) || bad != nil && last != 1 {
		t.Fatalf("%.40q leaves %d rows, %v, the first %s, the last %s", payload, rows.Len, bad, rows.Format(0), rows.Format(last))
	}
	return rows, bad
}

// BadPayloads checks that each payload is refused with an error that has a given
// text and is of bearable length, and that the rows around it stay as they are.
func BadPayloads(t *testing.T, f message.Format, typ *batch.Type, good string, bad map[string]string) {
	t.Helper()
	for payload, want := range bad {
		_, err := Between(t, Decoder(t, f, typ), []byte(good), []byte(payload))
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 30_000 {
			t.Errorf("%.60q gives %.300v, want %q", payload, err, want)
		}
	}
}

// Bench measures how fast payloads become rows and these become payloads of the
// same size again.
func Bench(b *testing.B, f message.Format, typ *batch.Type, payloads [][]byte) {
	b.Helper()
	d := Decoder(b, f, typ)
	var rows *batch.Column
	decode := func(b *testing.B) {
		for _, payload := range payloads {
			if err := d.Decode(b.Context(), payload); err != nil {
				b.Fatal(err)
			}
		}
		if rows = d.Take(); rows.Len != len(payloads) {
			b.Fatal("rows are missing")
		}
	}
	decode(b)
	Measure(b, "decode", payloads, decode)
	e, err := f.Encoder(b.Context(), message.EncodeRequest{Topic: topic, Type: typ})
	if err != nil {
		b.Fatal(err)
	}
	size := total(payloads)
	var dst []byte
	var ends []int
	Measure(b, "encode", payloads, func(b *testing.B) {
		if dst, ends, err = e.Encode(b.Context(), dst[:0], ends[:0], rows); err != nil || len(dst) != size {
			b.Fatal(len(dst), size, err)
		}
	})
}

// Measure runs a sub-benchmark that does something with all payloads.
func Measure(b *testing.B, name string, payloads [][]byte, once func(b *testing.B)) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		b.SetBytes(int64(total(payloads)))
		b.ReportAllocs()
		for b.Loop() {
			once(b)
		}
		b.ReportMetric(float64(b.N*len(payloads))/b.Elapsed().Seconds()/1e6, "Mrows/s")
	})
}

func total(payloads [][]byte) int {
	size := 0
	for _, payload := range payloads {
		size += len(payload)
	}
	return size
}
