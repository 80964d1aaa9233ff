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
	g := NewGroup(1, Users)
	first := g.Next()
	if first != NewGroup(1, Users).Next() {
		t.Error("the same group began with two different rows")
	}
	if first == NewGroup(0, Users).Next() {
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
		table := Purchases(Users)
		if renamed {
			table = RenamedPurchases(Users)
		}
		path := filepath.Join(t.TempDir(), "events.parquet")
		const rows = 20_000
		if err := Ensure(path, rows, table); err != nil {
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
		g := NewGroup(0, Users)
		for i, r := range got {
			e := g.Next()
			if *r.UserID != e.UserID || *r.ItemID != e.ItemID || *r.Type != e.Type || *r.Cents != e.Cents ||
				*r.CentsFloat != e.CentsFloat || *r.Qty != e.Qty || *r.At != e.At.UnixMicro() {
				t.Fatalf("row %d is not that of the generator", i)
			}
		}
	}
}

// Readings and profiles are written as they are generated; a tenth of the users
// has no profile, and nobody has two.
func TestWideTables(t *testing.T) {
	const rows, users = 3000, 1000
	path := filepath.Join(t.TempDir(), "readings.parquet")
	if err := Ensure(path, rows, Readings(users)); err != nil {
		t.Fatal(err)
	}
	type reading struct {
		UserID *string  `parquet:"user_id,optional"`
		At     *int64   `parquet:"at,optional"`
		F07    *float64 `parquet:"f07,optional"`
	}
	readings, err := parquet.ReadFile[reading](path)
	if err != nil || len(readings) != rows {
		t.Fatalf("%d readings, %v", len(readings), err)
	}
	seen := map[string]bool{}
	g := NewGroup(0, users)
	for i, r := range readings {
		want := g.NextReading()
		if *r.UserID != want.UserID || *r.At != want.At.UnixMicro() || *r.F07 != want.Features[6] {
			t.Fatalf("reading %d is not that of the generator", i)
		}
		seen[want.UserID] = true
	}
	path = filepath.Join(t.TempDir(), "profiles.parquet")
	if err := Ensure(path, users, Profiles(users)); err != nil {
		t.Fatal(err)
	}
	profiles, err := parquet.ReadFile[profileRow](path)
	if err != nil || len(profiles) != users {
		t.Fatalf("%d profiles, %v", len(profiles), err)
	}
	all := len(seen)
	for _, p := range profiles {
		delete(seen, *p.UserID)
	}
	if missing := len(seen); missing < all/20 || missing > all/5 {
		t.Errorf("%d of %d users have no profile, must be about a tenth", missing, all)
	}
}

// An unwritable file is an error and leaves nothing that looks complete.
func TestWriteFails(t *testing.T) {
	if err := write(failing{}, 10_000, Purchases(Users)); err == nil {
		t.Error("a failing disk went unnoticed")
	}
	var b bytes.Buffer
	if err := write(&b, 1, Purchases(Users)); err != nil || b.Len() == 0 {
		t.Errorf("one row: %d bytes, %v", b.Len(), err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, bytes.ErrTooLarge }
