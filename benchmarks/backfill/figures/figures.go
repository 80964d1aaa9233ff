// Package figures keeps measured figures in a file and draws them.
//
// The one central idea: the picture in the README is a function of a checked-in
// text file, and a test holds the two together, so that no bar can be older than
// its figure:
//
//	backfill -record figures.json ──▶ figures.json ──▶ figures.svg
package figures

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Figure is the median of a system on a job.
type Figure struct {
	Job     string  `json:"job"`
	Variant string  `json:"variant"`
	Threads int     `json:"threads"`
	System  string  `json:"system"`
	Seconds float64 `json:"seconds"`     // of wall time
	CPU     float64 `json:"cpu_seconds"` // of all threads
	MB      int64   `json:"peak_mb"`
	Ratio   float64 `json:"ratio,omitempty"` // DuckDB's best time over this one; 0: DuckDB did not run
}

// Read reads a file of figures; one that is not there has none.
func Read(path string) ([]Figure, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Figure
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// Record puts the figures of a run into a file in place of those of the same job,
// variant and threads, which were measured with other ratios, and draws the
// file anew beside it.
func Record(path string, run []Figure) error {
	all, err := Read(path)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(old Figure) bool {
		return slices.ContainsFunc(run, func(f Figure) bool {
			return f.Job == old.Job && f.Variant == old.Variant && f.Threads == old.Threads
		})
	})
	all = append(all, run...)
	var text bytes.Buffer
	text.WriteString("[\n")
	for i, f := range all { // a figure a line, so that a change is a line
		line, err := json.Marshal(f)
		if err != nil {
			return err
		}
		if i > 0 {
			text.WriteString(",\n")
		}
		text.WriteString("  ")
		text.Write(line)
	}
	text.WriteString("\n]\n")
	return errors.Join(os.WriteFile(path, text.Bytes(), 0o644), os.WriteFile(Picture(path), Draw(all), 0o644))
}

// Picture is where the drawing of a file of figures lies.
func Picture(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".svg"
}
