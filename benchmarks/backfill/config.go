package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Config says what is measured. Its zero value with Data set is the whole
// benchmark as it is reported.
type Config struct {
	Jobs     []string  // names of workloads; empty: all
	Variants []string  // plain, renamed, floats, closure; empty: plain
	Systems  []string  // prefixes of the systems to run; empty: all but those known to be slow
	Threads  []int     // threads each system may use; empty: 1 and 2
	Back     int64     // bytes of memory to touch before each run: see back
	Runs     int       // timed runs after one warm-up; 0: 5
	Data     string    // the flights file
	Events   int64     // rows of the generated events; 0: 20 M
	Cache    string    // folder of generated files and results; "": in the user's cache folder
	Explain  string    // folder for DuckDB's EXPLAIN ANALYZE; "": none
	Profile  string    // folder for CPU profiles of the warm-up runs; "": none
	Record   string    // JSON file that takes the figures, drawn beside it; "": none
	Venv     string    // folder for the Python environment of Polars; "": Cache
	Out      io.Writer // the report; nil: nowhere

	python        string // with Polars
	withoutPolars bool
}

var allVariants = []string{"plain", "renamed", "floats", "closure"}

// withDefaults fills the zeros and reports every mistake at once.
func (c Config) withDefaults() (Config, error) {
	if len(c.Jobs) == 0 || slices.Contains(c.Jobs, "all") {
		c.Jobs = jobNames()
	}
	if len(c.Variants) == 0 {
		c.Variants = allVariants[:1]
	} else if slices.Contains(c.Variants, "all") {
		c.Variants = allVariants
	}
	if len(c.Threads) == 0 {
		c.Threads = []int{1, 2}
	}
	if c.Runs == 0 {
		c.Runs = 5
	}
	if c.Events == 0 {
		c.Events = 20_000_000
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	if c.Cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return c, fmt.Errorf("no folder for generated files, give one with -cache: %w", err)
		}
		c.Cache = filepath.Join(dir, "leat", "backfill")
	}
	if c.Venv == "" {
		c.Venv = c.Cache
	}
	for _, path := range []*string{&c.Data, &c.Cache, &c.Venv, &c.Explain, &c.Profile, &c.Record} {
		if *path == "" {
			continue
		}
		var err error
		if *path, err = filepath.Abs(*path); err != nil {
			return c, err
		}
	}
	return c, c.validate()
}

func (c Config) validate() error {
	errs := []error{oneOf("job", c.Jobs, jobNames()), oneOf("variant", c.Variants, allVariants)}
	if _, err := os.Stat(c.Data); err != nil {
		errs = append(errs, fmt.Errorf("the flights file: %w; `make data` at the top of the repository fetches it", err))
	}
	for _, t := range c.Threads {
		if t < 1 || t > runtime.NumCPU() {
			errs = append(errs, fmt.Errorf("%d threads: this machine has 1 to %d", t, runtime.NumCPU()))
		}
	}
	if c.Runs < 1 || c.Events < 1 {
		errs = append(errs, fmt.Errorf("runs (%d) and events (%d) must be at least 1", c.Runs, c.Events))
	}
	return errors.Join(errs...)
}

func oneOf(what string, given, known []string) error {
	for _, g := range given {
		if !slices.Contains(known, g) {
			return fmt.Errorf("unknown %s %q: choose from %s", what, g, strings.Join(known, ", "))
		}
	}
	return nil
}
