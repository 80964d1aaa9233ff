package window

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

var rewrite = flag.Bool("rewrite", false, "write what the commands in testdata print now, to be reviewed as a diff")

// The files in testdata hold commands and what they print; times are whole
// seconds. An empty line ends what is printed.
//
//	sliding 10 5 offset 2     the windows the commands below are about
//	assign -3 0 7             windows, and slice, of rows at these times
//	first 4 / last 4          the earliest window that holds or follows t, the latest that starts by t
//	validate                  what is wrong with the windows
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			after := replay(t, string(before))
			if *rewrite {
				err = os.WriteFile(file, []byte(after), 0o644)
			} else if after != string(before) {
				t.Errorf("%s is now (run with -rewrite to accept it)\n%s", file, after)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// replay runs the commands of a file and returns the file with what they print.
func replay(t *testing.T, text string) string {
	var out strings.Builder
	var fn Fn
	for i, paragraph := range strings.Split(strings.TrimRight(text, "\n"), "\n\n") {
		if i > 0 {
			out.WriteByte('\n')
		}
		for line := range strings.Lines(paragraph) {
			line = strings.TrimRight(line, "\n")
			switch {
			case strings.HasPrefix(line, "  "): // printed by the command above
			case strings.HasPrefix(line, "#"):
				out.WriteString(line + "\n")
			default:
				out.WriteString(line + "\n" + command(t, &fn, strings.Fields(line)))
			}
		}
	}
	return out.String()
}

func command(t *testing.T, fn *Fn, words []string) string {
	switch words[0] {
	case "assign":
		return assigned(t, *fn, words[1:])
	case "first", "last":
		w := fn.First(seconds(t, words[1]).Microseconds())
		if words[0] == "last" {
			w = fn.Last(seconds(t, words[1]).Microseconds())
		}
		return "  " + printed(w) + "\n"
	case "validate":
		if err := fn.Validate(); err != nil {
			return "  " + strings.ReplaceAll(err.Error(), "\n", "\n  ") + "\n"
		}
		return "  fine\n"
	}
	*fn = parse(t, words)
	return "  " + fn.String() + "\n"
}

func parse(t *testing.T, words []string) Fn {
	var fn Fn
	switch words[0] {
	case "fixed":
		fn = Fixed(seconds(t, words[1]))
	case "sliding":
		fn = Sliding(seconds(t, words[1]), seconds(t, words[2]))
	case "session":
		fn = Session(seconds(t, words[1]))
	case "global":
		fn = Global()
	case "custom": // the second of a row, and the minute before it
		fn = Custom("odd", func(at time.Time) []Interval {
			us := at.UnixMicro()
			return []Interval{{us, us + 1e6}, {us - 60e6, us}}
		})
	case "nothing":
		fn = Custom("nothing", nil)
	case "empty":
		fn = Custom("empty", func(at time.Time) []Interval { return []Interval{{5, 5}} })
	default:
		t.Fatalf("unknown command %q", words)
	}
	if n := len(words); n > 2 && words[n-2] == "offset" {
		fn = fn.Offset(seconds(t, words[n-1]))
	}
	return fn
}

func seconds(t *testing.T, word string) time.Duration {
	s, err := strconv.ParseFloat(word, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(s * float64(time.Second))
}

func assigned(t *testing.T, fn Fn, times []string) string {
	var out strings.Builder
	for _, word := range times {
		at := seconds(t, word).Microseconds()
		windows, err := fn.Assign(at, nil)
		fmt.Fprintf(&out, "  %5s", word)
		for _, w := range windows {
			out.WriteString(" " + printed(w))
		}
		if err != nil {
			out.WriteString(" " + err.Error())
		}
		if fn.Kind() == KindAligned && fn.Period() <= fn.Size() {
			out.WriteString("  slice " + printed(fn.Slice(at)))
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func printed(w Interval) string { return "[" + second(w.Start) + ", " + second(w.End) + ")" }

func second(us int64) string {
	switch us {
	case batch.MinTime:
		return "−∞"
	case batch.MaxTime:
		return "∞"
	}
	return strconv.FormatFloat(float64(us)/1e6, 'f', -1, 64)
}
