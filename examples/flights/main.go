// Flights turns six months of flight reports into features by airport.
//
//	flights                      the shipped sample into a new folder
//	flights windows -in PATH -out DIR [-size 24h -slide 1h]
//
// Every pipeline option of Leat is a flag too: -plan, -explain, -parallelism, …
package main

import (
	"embed"
	"errors"
	"flag"
	"fmt"
	"os"
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
	}
	return command.Code(&command.UsageError{Err: fmt.Errorf("flights has no command %q; there is: windows", name)})
}

func windows(args []string) int {
	fs := flag.NewFlagSet("flights windows", flag.ContinueOnError)
	in := fs.String("in", "", "Parquet file, directory or pattern of flights (default the shipped sample of 600,000)")
	out := fs.String("out", "", "directory for the Parquet output, new or empty (default a new temporary one)")
	size := fs.Duration("size", 24*time.Hour, "length of a window")
	slide := fs.Duration("slide", time.Hour, "distance of the starts of windows")
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
		dir, err := outputDir(*out, flags.Explain)
		if err != nil {
			return err
		}
		Windows(p, input(*in), parquet.Sink{Dir: dir, LocalTime: true}, *size, *slide) // times of day without a zone, as in the input
		return nil
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
func outputDir(dir string, explain bool) (string, error) {
	if dir != "" || explain {
		return dir, nil
	}
	return os.MkdirTemp("", "flights-windows-")
}
