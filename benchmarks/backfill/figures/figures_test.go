package figures

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The picture in the README is that of the figures beside it.
func TestPictureIsUpToDate(t *testing.T) {
	all, err := Read("../figures.json")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d figures, %v", len(all), err)
	}
	picture, err := os.ReadFile(Picture("../figures.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(picture, Draw(all)) {
		t.Error("figures.svg is not drawn from figures.json: record a run again, or go test ./figures -run UpToDate after figures.Record")
	}
}

// A drawing is well-formed, has a bar for each system of the plain inputs with
// the most threads, and the longest is the slowest.
func TestDraw(t *testing.T) {
	picture := string(Draw([]Figure{
		{Job: "a<b", Variant: "plain", Threads: 2, System: "duckdb/x", Seconds: 2, MB: 10, Ratio: 1},
		{Job: "a<b", Variant: "plain", Threads: 2, System: "leat", Seconds: 0.5, MB: 7, Ratio: 4},
		{Job: "a<b", Variant: "plain", Threads: 1, System: "leat", Seconds: 50},
		{Job: "a<b", Variant: "floats", Threads: 2, System: "leat", Seconds: 50},
	}))
	d := xml.NewDecoder(strings.NewReader(picture))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(picture, "<rect"); n != 2 {
		t.Errorf("%d bars, must be 2", n)
	}
	for _, want := range []string{`class="duckdb" x="150" y="59" width="400.0"`, `class="leat" x="150" y="39" width="100.0"`, "0.500 s, 7 MB, 4 ×", "a&lt;b"} {
		if !strings.Contains(picture, want) {
			t.Errorf("%q is not in\n%s", want, picture)
		}
	}
}

// A run replaces the figures of its jobs and leaves the others.
func TestRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "figures.json")
	first := []Figure{
		{Job: "scan", Variant: "plain", Threads: 2, System: "leat", Seconds: 1},
		{Job: "scan", Variant: "plain", Threads: 2, System: "duckdb/old", Seconds: 1},
		{Job: "windows", Variant: "plain", Threads: 2, System: "leat", Seconds: 2},
	}
	second := []Figure{{Job: "scan", Variant: "plain", Threads: 2, System: "leat", Seconds: 3}}
	for _, run := range [][]Figure{first, second} {
		if err := Record(path, run); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Read(path)
	if err != nil || len(all) != 2 || all[0] != first[2] || all[1] != second[0] {
		t.Errorf("%+v, %v", all, err)
	}
	if picture, err := os.ReadFile(Picture(path)); err != nil || !bytes.Equal(picture, Draw(all)) {
		t.Errorf("the picture is not that of the figures: %v", err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Record(path, second); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a broken file must be named: %v", err)
	}
}
