package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/leatflow/leat/examples/flights/logistic"
)

// Model is a fitted model as it is written, in JSON; README.md says how to
// predict from it. Nothing in it depends on when, where and how it was fitted.
type Model struct {
	Format    string           `json:"format"`
	Label     string           `json:"label"`
	Train     Period           `json:"train"`
	Test      Period           `json:"test"`
	Passes    int              `json:"passes"` // over the training months
	Ridge     float64          `json:"ridge"`  // penalty: ridge/2 · Σ weight², without the intercept
	Limit     float64          `json:"limit"`  // standardised numbers are cut off at ± this
	Model     logistic.Quality `json:"quality"`
	BaseRate  logistic.Quality `json:"base_rate_quality"` // of predicting the share of late rows in the training months
	Intercept float64          `json:"intercept"`
	Features  []Feature        `json:"features"`
}

const modelFormat = "leat flights logistic regression 1"

// Period is a range of scheduled departures, From ≤ date < To, and what is in it.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Rows int64     `json:"rows"`
	Late int64     `json:"late"`
}

func (p Period) share() float64 { return float64(p.Late) / float64(p.Rows) }

// Feature is one weight. A number has Mean and Scale: (value − Mean) / Scale is
// weighted, 0 where there is no value. All others are 0 or 1.
type Feature struct {
	Name   string   `json:"name"`
	Mean   *float64 `json:"mean,omitempty"`
	Scale  *float64 `json:"scale,omitempty"`
	Weight float64  `json:"weight"`
}

// checkModelPath refuses a path that cannot be written at the end, before time
// has gone into a model.
func checkModelPath(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return exists(path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the model file: %w", err)
	}
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("the directory of the model file: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("the model file cannot be in %s, which is no directory", dir)
	}
	return nil
}

func exists(path string) error {
	return fmt.Errorf("%s exists and is not overwritten; name a new file for the model, or remove it", path)
}

// write writes the model under a hidden name, makes it durable and then gives it
// its name, unless something has got that name in the meantime. A model file that
// can be seen is whole.
func (m *Model) write(path string) (err error) {
	var text bytes.Buffer
	to := json.NewEncoder(&text)
	to.SetEscapeHTML(false)
	to.SetIndent("", "  ")
	if err := to.Encode(m); err != nil {
		return err
	}
	hidden := filepath.Join(filepath.Dir(path), ".leat-model-"+rand.Text())
	defer func() {
		if removed := os.Remove(hidden); !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
		if err != nil {
			err = fmt.Errorf("write the model: %w", err)
		}
	}()
	if err := writeSynced(hidden, text.Bytes()); err != nil {
		return err
	}
	err = os.Link(hidden, path)
	switch {
	case errors.Is(err, fs.ErrExist):
		return exists(path)
	case errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM): // a file system without hard links
		return os.Rename(hidden, path)
	}
	return err
}

func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
