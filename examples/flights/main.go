// Flights turns six months of flight reports into features by airport, into a
// training set, and into a model that predicts which flight will be late.
//
//	flights                      all three on the shipped sample, into a new folder
//	flights windows -in PATH -out DIR [-size 24h -slide 1h]
//	flights training -in PATH -out DIR [-windows 1h,6h,24h]
//	flights train -in DIR -model FILE
//	flights live [-brokers HOST:PORT] [-out DIR|kafka:PREFIX]
//	flights replay -brokers HOST:PORT [-in PATH]
//
// Every pipeline option of Leat is a flag too: -plan, -explain, -parallelism, …
package main

import (
	"context"
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
)

//go:embed data/flights-sample.parquet
var sample embed.FS

const usage = `flights turns flight reports into features, a training set and a model.

  flights                      all three on the shipped sample
  flights windows -in PATH -out DIR [-size 24h -slide 1h]
  flights training -in PATH -out DIR [-windows 1h,6h,24h]
  flights train -in DIR -model FILE
  flights live [-brokers HOST:PORT] [-out DIR|kafka:PREFIX]
                               windows and training from topics of Kafka
  flights replay -brokers HOST:PORT [-in PATH]
                               sends the flights to these topics, as they happened

flights COMMAND -help lists the flags of a command; flights itself has:
`

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := command.Signals(context.Background())
	defer stop()
	if len(args) == 0 || args[0] == "" || args[0][0] == '-' {
		return everything(ctx, args)
	}
	switch args[0] {
	case "windows":
		return windows(ctx, args[1:])
	case "training":
		return training(ctx, args[1:])
	case "train":
		return train(ctx, args[1:])
	case "live":
		return live(ctx, args[1:])
	case "replay":
		return replay(ctx, args[1:])
	}
	return command.Code(&command.UsageError{Err: fmt.Errorf("flights has no command %q; there are: windows, training, train, live, replay", args[0])})
}

// everything runs the three commands one after the other into one folder.
func everything(ctx context.Context, args []string) int {
	fs := flag.NewFlagSet("flights", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), usage)
		fs.PrintDefaults()
	}
	j := &job{}
	in, out := j.paths(fs)
	if code, ok := j.parse(fs, args); !ok {
		return code
	}
	lengths, err := lookbacks(defaultLengths)
	if err != nil {
		return command.Code(err)
	}
	dir, err := outputDir(*out, fs.Name(), j.Explain)
	if err != nil {
		return command.Code(err)
	}
	made, set, model := filepath.Join(dir, "windows"), filepath.Join(dir, "training"), filepath.Join(dir, "model.json")
	fmt.Println("== flights windows")
	if err := j.windows(ctx, input(*in), made, defaultSize, defaultSlide); err != nil {
		return command.Code(err)
	}
	fmt.Println("\n== flights training")
	if err := j.training(ctx, input(*in), set, lengths); err != nil {
		return command.Code(err)
	}
	fmt.Println("\n== flights train")
	if j.Explain {
		fmt.Println("its plans depend on a training set: flights train -explain -in DIR")
		return 0
	}
	return command.Code(j.train(ctx, input(set), model))
}

func windows(ctx context.Context, args []string) int {
	fs := flag.NewFlagSet("flights windows", flag.ContinueOnError)
	size := fs.Duration("size", defaultSize, "length of a window")
	slide := fs.Duration("slide", defaultSlide, "distance of the starts of windows")
	j := &job{}
	in, out := j.paths(fs)
	if code, ok := j.parse(fs, args); !ok {
		return code
	}
	dir, err := outputDir(*out, fs.Name(), j.Explain)
	if err == nil {
		err = j.windows(ctx, input(*in), dir, *size, *slide)
	}
	return command.Code(err)
}

func training(ctx context.Context, args []string) int {
	fs := flag.NewFlagSet("flights training", flag.ContinueOnError)
	lengths := fs.String("windows", defaultLengths, "how far back reports count, in one or several windows; each gives columns that end in its text")
	j := &job{}
	in, out := j.paths(fs)
	if code, ok := j.parse(fs, args); !ok {
		return code
	}
	windows, err := lookbacks(*lengths)
	if err != nil {
		return command.Code(&command.UsageError{Err: err})
	}
	dir, err := outputDir(*out, fs.Name(), j.Explain)
	if err == nil {
		err = j.training(ctx, input(*in), dir, windows)
	}
	return command.Code(err)
}

func train(ctx context.Context, args []string) int {
	fs := flag.NewFlagSet("flights train", flag.ContinueOnError)
	in := fs.String("in", "", "training set: the directory that flights training wrote")
	model := fs.String("model", "", "file for the model, a new one (default model.json in a new temporary directory)")
	j := &job{}
	if code, ok := j.parse(fs, args); !ok {
		return code
	}
	if *in == "" {
		return command.Code(&command.UsageError{Err: errors.New("-in is missing: name the directory that flights training wrote")})
	}
	return command.Code(j.train(ctx, input(*in), *model))
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
