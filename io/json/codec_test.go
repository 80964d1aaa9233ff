package json_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
)

// trip is a Go type as users write them.
type trip struct {
	User  string           `leat:"user"`
	At    time.Time        `leat:"at"`
	Delay *int32           `leat:"delay"`
	Stops []stop           `leat:"stops"`
	Price map[string]int64 `leat:"price"`
	Raw   []byte           `leat:"raw"`
}

type stop struct {
	Name string  `leat:"name"`
	Wait *uint16 `leat:"wait"`
}

func TestGoRows(t *testing.T) {
	// Rows of a Go type written to a file are read back as the same rows.
	delay, wait := int32(-5), uint16(9)
	want := []trip{
		{User: "ann", At: time.Date(2013, 1, 31, 5, 15, 0, 123456000, time.UTC), Delay: &delay,
			Stops: []stop{{"JFK", &wait}, {Name: "ATL"}}, Price: map[string]int64{"usd": 12, "eur": 11}, Raw: []byte{0, 255}},
		{At: time.UnixMicro(-1).UTC()},
	}
	c, err := codec.For[trip]()
	if err != nil {
		t.Fatal(err)
	}
	e := c.NewEncoder()
	if err := e.Append(want); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	out, err := json.Sink{Dir: dir, Gzip: true}.Open(t.Context(), connector.SinkRequest{Type: c.Type(), Parallelism: 1})
	if err != nil {
		t.Fatal(err)
	}
	w, err := out.Writer(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(t.Context(), &batch.Batch{Root: e.Finish()}); err != nil {
		t.Fatal(err)
	}
	staged, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Commit(t.Context(), []connector.Staged{staged}); err != nil {
		t.Fatal(err)
	}
	rows, bad, err := read(t, json.Source{Path: dir, RefuseUnknown: true}, c.Type())
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	got := make([]trip, length(rows))
	if err := c.Decode(rows, nil, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
