package main

import (
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// The sample holds exactly the rows whose position is divisible, in order,
// over more rows than are read at a time and over row groups.
func TestCut(t *testing.T) {
	airports := []string{"ATL", "ORD", "a longer name", ""}
	var full []flight
	for i := range int64(5_003) {
		date, delay, distance := i*1_000_000, i%97-20, i*7
		full = append(full, flight{&date, &delay, &distance, &airports[i%4], &airports[i%3]})
	}
	in, out := filepath.Join(t.TempDir(), "full.parquet"), filepath.Join(t.TempDir(), "sample.parquet")
	if err := parquet.WriteFile(in, full, parquet.MaxRowsPerRowGroup(1_700)); err != nil {
		t.Fatal(err)
	}
	if err := cut(in, out, 5, 300); err != nil {
		t.Fatal(err)
	}
	got, err := parquet.ReadFile[flight](out)
	if err != nil || len(got) != 1_001 {
		t.Fatalf("%d rows, %v; must be 1001", len(got), err)
	}
	for i, r := range got {
		w := full[i*5]
		if *r.Date != *w.Date || *r.Delay != *w.Delay || *r.Distance != *w.Distance || *r.Origin != *w.Origin || *r.Destination != *w.Destination {
			t.Fatalf("row %d of the sample is not row %d of the file", i, i*5)
		}
	}
}

// A file of other columns is refused by name, and no sample is left behind.
func TestCutRefusesOtherFiles(t *testing.T) {
	in, out := filepath.Join(t.TempDir(), "other.parquet"), filepath.Join(t.TempDir(), "sample.parquet")
	if err := parquet.WriteFile(in, []struct{ Date string }{{"2001"}}); err != nil {
		t.Fatal(err)
	}
	if err := cut(in, out, 5, 300); err == nil {
		t.Error("a file of other columns was cut")
	}
	if left, _ := filepath.Glob(out); len(left) > 0 {
		t.Errorf("%v was left behind", left)
	}
}
