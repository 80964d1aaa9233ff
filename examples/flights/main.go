// Flights turns six months of flight reports into features by airport, and into a
// training set.
//
//	flights                      the shipped sample into a new folder
//	flights windows -in PATH -out DIR [-size 24h -slide 1h]
//	flights training -in PATH -out DIR [-windows 1h,6h,24h]
//
// Every pipeline option of Leat is a flag too: -plan, -explain, -parallelism, …
package main

import (
	"embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/command"
	"github.com/leatflow/leat/sdk/leat"
)

//go:embed data/flights-sample.parquet
var sample embed.FS

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	name := "windows"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	}
	switch name {
	case "windows":
		return windows(args)
	case "training":
		return training(args)
	}
	return command.Code(&command.UsageError{Err: fmt.Errorf("flights has no command %q; there are: windows, training", name)})
}

func windows(args []string) int {
	fs := flag.NewFlagSet("flights windows", flag.ContinueOnError)
	size := fs.Duration("size", 24*time.Hour, "length of a window")
	slide := fs.Duration("slide", time.Hour, "distance of the starts of windows")
	return runJob(fs, args, func(p *leat.Pipeline, in parquet.Source, out parquet.Sink) error {
		Windows(p, in, out, *size, *slide)
		return nil
	})
}

func training(args []string) int {
	fs := flag.NewFlagSet("flights training", flag.ContinueOnError)
	lengths := fs.String("windows", "1h,6h,24h", "how far back reports count, in one or several windows; each gives columns that end in its text")
	return runJob(fs, args, func(p *leat.Pipeline, in parquet.Source, out parquet.Sink) error {
		windows, err := lookbacks(*lengths)
		if err != nil {
			return &command.UsageError{Err: err}
		}
		Training(p, in, out, windows)
		return nil
	})
}

// lookbacks parses "1h,6h,24h".
func lookbacks(list string) ([]Lookback, error) {
	var windows []Lookback
	for _, text := range strings.Split(list, ",") {
		text = strings.TrimSpace(text)
		length, err := time.ParseDuration(text)
		if err != nil {
			return nil, fmt.Errorf("-windows: %q is not a length of time; write for example 1h,6h,24h", text)
		}
		if slices.ContainsFunc(windows, func(w Lookback) bool { return w.Name == text }) {
			return nil, fmt.Errorf("-windows names %s twice", text)
		}
		windows = append(windows, Lookback{text, length})
	}
	return windows, nil
}

// runJob parses the flags of a job, adds those that all have, and runs it.
func runJob(fs *flag.FlagSet, args []string, job func(p *leat.Pipeline, in parquet.Source, out parquet.Sink) error) int {
	in := fs.String("in", "", "Parquet file, directory or pattern of flights (default the shipped sample of 600,000)")
	out := fs.String("out", "", "directory for the Parquet output, new or empty (default a new temporary one)")
	var flags command.Flags
	flags.Register(fs)
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // the flag set has printed why
	case fs.NArg() > 0:
		return command.Code(&command.UsageError{Err: fmt.Errorf("unknown argument %q", fs.Arg(0))})
	}
	return flags.Exit(func(p *leat.Pipeline) error {
		dir, err := outputDir(*out, fs.Name(), flags.Explain)
		if err != nil {
			return err
		}
		return job(p, input(*in), parquet.Sink{Dir: dir, LocalTime: true}) // times of day without a zone, as in the input
	})
}

// input is the source the user named, or the sample inside the binary.
func input(path string) parquet.Source {
	if path == "" {
		return parquet.Source{Path: "data/flights-sample.parquet", Bucket: parquet.FS(sample)}
	}
	return parquet.Source{Path: path}
}

// outputDir is the directory the user named, or a new one.
func outputDir(dir, job string, explain bool) (string, error) {
	name := strings.ReplaceAll(job, " ", "-") + "-"
	switch {
	case dir != "":
		return dir, nil
	case explain: // makes nothing
		return filepath.Join(os.TempDir(), name+"new"), nil
	}
	return os.MkdirTemp("", name)
}
