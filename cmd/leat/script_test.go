package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

var rewrite = flag.Bool("rewrite", false, "write what the commands print into testdata")

// Every command of the scripts in testdata prints, to the letter, what stands
// below it, and ends with the exit code that stands there:
//
//	file a.parquet rows=2          a file, with row groups of two rows
//	  struct{id int64, x float64?}   of this type
//	  {"id":1,"x":0.5}               with these rows
//	file b.txt                     another file: its lines as they are
//	$ leat diff a.parquet b        a command
//	| what it prints
//	| exit 1                       when it is not 0
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, name := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(want))
			if *rewrite {
				if err := os.WriteFile(filepath.Join(sourceDir, name), []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			compareLines(t, got, string(want))
		})
	}
}

var sourceDir, _ = os.Getwd()

func compareLines(t *testing.T, got, want string) {
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		a, b := "(nothing)", "(nothing)"
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			t.Fatalf("line %d\ngot  %s\nwant %s\n(go test ./cmd/leat -rewrite writes what is printed)\n%s", i+1, a, b, got)
		}
	}
}

// runScript makes the files, runs the commands and returns the script as it
// should be.
func runScript(t *testing.T, script string) string {
	dir := t.TempDir()
	t.Chdir(dir)
	var out strings.Builder
	lines := strings.Split(strings.TrimSuffix(script, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.HasPrefix(line, "|") {
			continue
		}
		out.WriteString(line + "\n")
		switch {
		case strings.HasPrefix(line, "file "):
			var body []string
			for i+1 < len(lines) && strings.HasPrefix(lines[i+1], "  ") {
				i++
				out.WriteString(lines[i] + "\n")
				body = append(body, strings.TrimPrefix(lines[i], "  "))
			}
			makeFile(t, strings.Fields(line)[1:], body)
		case strings.HasPrefix(line, "$ leat "):
			var printed bytes.Buffer
			code := run(t.Context(), strings.Fields(line)[2:], &printed, &printed)
			if code != 0 {
				fmt.Fprintf(&printed, "exit %d\n", code)
			}
			for l := range strings.Lines(maskSizes(printed.String())) {
				out.WriteString(strings.TrimRight("| "+l, " \n") + "\n")
			}
		}
	}
	return out.String()
}

// sizes are what depends on how well the writer of the files packs them.
var sizes = regexp.MustCompile(`( +)\d[\d.]* [kM]?B\b|(bytes":) \d+`)

// maskSizes puts # for sizes; those in tables keep their column.
func maskSizes(s string) string {
	return sizes.ReplaceAllStringFunc(s, func(m string) string {
		switch {
		case strings.HasPrefix(m, "  "):
			return strings.Repeat(" ", len(m)-1) + "#"
		case strings.HasPrefix(m, "bytes"):
			return `bytes": "#"`
		}
		return " #"
	})
}

func makeFile(t *testing.T, fields, body []string) {
	name := fields[0]
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".parquet") || len(body) == 0 || !strings.HasPrefix(body[0], "struct{") {
		if err := os.WriteFile(name, []byte(strings.Join(body, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	o := pages.WriterOptions{}
	for _, f := range fields[1:] {
		n, err := strconv.Atoi(strings.TrimPrefix(f, "rows="))
		if err != nil {
			t.Fatal(err)
		}
		o.RowGroupRows = n
	}
	typ, rest := parseType(body[0])
	if rest != "" {
		t.Fatalf("%s: %q is left of the type", name, rest)
	}
	writeParquet(t, name, typ, o, decode(t, typ, body[1:]))
}

func writeParquet(t testing.TB, name string, typ *batch.Type, o pages.WriterOptions, rows []*batch.Column) {
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := pages.NewWriter(f, typ, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// decode turns lines of JSON into columns, as the JSON source does.
func decode(t *testing.T, typ *batch.Type, lines []string) []*batch.Column {
	name := filepath.Join(t.TempDir(), "rows.json")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	in, err := json.Source{Path: name}.Open(t.Context(), connector.Request{Type: typ, Parallelism: 1, Bad: func(b connector.BadRecord) error { return b }})
	if err != nil {
		t.Fatal(err)
	}
	var out []*batch.Column
	for _, s := range in.Splits() {
		r, err := in.Reader(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for {
			b, err := r.Read(context.Background())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b.Root)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// parseType reads a type as batch.Type.String writes it, and returns what follows.
func parseType(s string) (*batch.Type, string) {
	end := strings.IndexAny(s, "{<?,>} ")
	if end < 0 {
		end = len(s)
	}
	t := &batch.Type{}
	for k := batch.Bool; k <= batch.Struct; k++ {
		if k.String() == s[:end] {
			t.Kind = k
		}
	}
	s = s[end:]
	switch t.Kind {
	case batch.List:
		t.Fields = []batch.Field{{Name: "element"}}
	case batch.Map:
		t.Fields = []batch.Field{{Name: "key"}, {Name: "value"}}
	}
	for i := range t.Fields {
		t.Fields[i].Type, s = parseType(strings.TrimLeft(s, "<, "))
	}
	if t.Kind == batch.List || t.Kind == batch.Map {
		s = strings.TrimPrefix(s, ">")
	}
	if t.Kind == batch.Struct {
		s = strings.TrimPrefix(s, "{")
		for s != "" && s[0] != '}' {
			name, rest, _ := strings.Cut(strings.TrimLeft(s, ", "), " ")
			f := batch.Field{Name: name}
			f.Type, s = parseType(rest)
			t.Fields = append(t.Fields, f)
		}
		s = strings.TrimPrefix(s, "}")
	}
	if strings.HasPrefix(s, "?") {
		t.Nullable, s = true, s[1:]
	}
	return t, s
}
