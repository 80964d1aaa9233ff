package events

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// A row depends on its position alone: the same rows come out today and on
// another machine.
func TestRowsAreFixed(t *testing.T) {
	g := NewGroup(1)
	first := g.Next()
	if first != NewGroup(1).Next() {
		t.Error("the same group began with two different rows")
	}
	if first == NewGroup(0).Next() {
		t.Error("two groups began with the same row")
	}
	const want = "user0647921 item036559 return 2025-03-01T08:19:01.667194"
	if got := first.UserID + " " + first.ItemID + " " + first.Type + " " + first.At.Format("2006-01-02T15:04:05.000000"); got != want {
		t.Errorf("the first row of group 1 is %s, must be %s", got, want)
	}
}

// A file has the rows asked for, under either set of names, without nulls.
func TestEnsure(t *testing.T) {
	for _, renamed := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "events.parquet")
		const rows = 20_000
		if err := Ensure(path, rows, renamed); err != nil {
			t.Fatal(err)
		}
		got, err := parquet.ReadFile[row](path)
		if renamed {
			var others []renamedRow
			others, err = parquet.ReadFile[renamedRow](path)
			got = got[:0]
			for _, r := range others {
				got = append(got, row(r))
			}
		}
		if err != nil || len(got) != rows {
			t.Fatalf("%d rows, %v", len(got), err)
		}
		g := NewGroup(0)
		for i, r := range got {
			e := g.Next()
			if *r.UserID != e.UserID || *r.ItemID != e.ItemID || *r.Type != e.Type || *r.Cents != e.Cents ||
				*r.CentsFloat != e.CentsFloat || *r.Qty != e.Qty || *r.At != e.At.UnixMicro() {
				t.Fatalf("row %d is not that of the generator", i)
			}
		}
	}
}

// An unwritable file is an error and leaves nothing that looks complete.
func TestWriteFails(t *testing.T) {
	if err := write(failing{}, 10_000, false); err == nil {
		t.Error("a failing disk went unnoticed")
	}
	var b bytes.Buffer
	if err := write(&b, 1, false); err != nil || b.Len() == 0 {
		t.Errorf("one row: %d bytes, %v", b.Len(), err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, bytes.ErrTooLarge }
