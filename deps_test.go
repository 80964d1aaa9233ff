// Package repository holds the tests about the repository itself: who may import
// whom (deps_test.go) and what a file must look like (tidy_test.go).
package repository

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/leatflow/leat"

// allowed says which of our packages a package may import; dir/... stands for
// everything below. A package that is not listed may import nothing of ours.
//
// DO NOT CHANGE THIS TABLE TO MAKE A BUILD PASS. An arrow that is missing here
// is missing on purpose: sdk/ must not know the engine, io/ must not know each
// other, pure packages must stay pure. ARCHITECTURE.md has the reasons.
var allowed = map[string]string{
	"sdk/batch":           "",
	"sdk/batch/batchtest": "sdk/batch",
	"sdk/window":          "sdk/batch",
	"sdk/watermark":       "sdk/batch",
	"sdk/codec":           "sdk/batch",
	"sdk/field":           "sdk/batch sdk/codec",
	"sdk/agg":             "sdk/batch sdk/codec sdk/field",
	"sdk/connector":       "sdk/batch sdk/field",
	"sdk/state":           "sdk/agg sdk/batch sdk/codec",
	"sdk/graph":           "sdk/agg sdk/batch sdk/connector sdk/field sdk/state sdk/watermark sdk/window",
	"sdk/leat":            "sdk/agg sdk/batch sdk/codec sdk/connector sdk/field sdk/graph sdk/state sdk/watermark sdk/window",

	"sdk/leattest": "sdk/batch sdk/codec sdk/connector sdk/leat",

	// What connectors share.
	"sdk/connector/files":                      "",
	"sdk/connector/message":                    "sdk/batch",
	"sdk/connector/message/columns":            "sdk/batch",
	"sdk/connector/message/messagetest":        "sdk/batch sdk/connector/message",
	"sdk/connector/message/registry":           "sdk/connector/message sdk/connector/secret",
	"sdk/connector/secret":                     "",
	"sdk/connector/staging":                    "",
	"sdk/connector/staging/stagingtest":        "sdk/connector/staging",
	"sdk/connector/lines":                      "sdk/batch sdk/connector sdk/connector/files sdk/connector/staging",
	"sdk/connector/connectortest/unprivileged": "",
	"sdk/connector/connectortest":              "sdk/batch sdk/connector sdk/connector/staging sdk/connector/staging/stagingtest",

	"io/memory":          "sdk/...",
	"io/text":            "sdk/...",
	"io/json":            "sdk/...",
	"io/avro":            "sdk/...",
	"io/kafka":           "sdk/...",
	"io/kafka/realkafka": "",
	"io/protobuf":        "sdk/...",
	"io/parquet":         "sdk/... io/parquet/pages",
	"io/parquet/pages":   "sdk/batch",
	"io/parquet/bucket":  "io/parquet",

	"transforms/dedupe":      "sdk/...",
	"transforms/sessions":    "sdk/...",
	"transforms/topn":        "sdk/...",
	"transforms/pointintime": "sdk/...",

	"runner/internal/watermark":  "sdk/batch", // the bounds of event time
	"runner/internal/checkpoint": "",
	"runner/internal/memory":     "",
	"runner/internal/invariants": "sdk/batch",
	"runner/internal/spill":      "sdk/batch",
	"runner/internal/exchange":   "sdk/batch sdk/codec runner/internal/memory runner/internal/spill",
	"runner/internal/state":      "sdk/batch sdk/codec sdk/window",
	"runner/internal/operator":   "sdk/agg sdk/batch sdk/codec sdk/connector sdk/field sdk/graph sdk/state sdk/window runner/internal/memory runner/internal/spill runner/internal/state runner/internal/trigger",
	"runner/internal/trigger":    "sdk/window",
	"runner/internal/plan":       "sdk/batch sdk/connector sdk/field sdk/graph sdk/window",
	"runner/internal/task":       "sdk/batch sdk/connector sdk/graph sdk/watermark runner/internal/exchange runner/internal/invariants runner/internal/memory runner/internal/operator runner/internal/watermark",
	"runner/local":               "sdk/... runner/internal/...",
	"runner/service":             "runner/local",
	"runner/command":             "sdk/leat runner/local runner/service",

	"cmd/leat/...": "sdk/... io/... runner/local cmd/leat/...",
	"examples/...": "sdk/... io/... transforms/... runner/local runner/command",

	"examples/flights":          "sdk/... io/... transforms/... runner/local runner/command examples/flights/logistic",
	"examples/flights/logistic": "", // arithmetic
	"docs":                      "runner/service",
}

// forbidden are imports that nothing but the named folders may have.
var forbidden = map[string]string{
	"C":                      "nothing: the engine builds without cgo",
	"flag":                   "runner/command, cmd, examples and tests: a library has no flags",
	"log":                    "nothing: use log/slog",
	"github.com/spf13/cobra": "cmd/leat",
}

// The import graph is the one in the table.
func TestDependencies(t *testing.T) {
	used := make(map[string]bool)
	walkGo(t, func(file string) {
		dir := path.Dir(file)
		test := strings.HasSuffix(file, "_test.go")
		rule, row := ruleFor(dir)
		used[row] = true
		for _, imported := range importsOf(t, file) {
			ours, found := strings.CutPrefix(imported, module+"/")
			if !found {
				if who, banned := forbidden[imported]; banned && !test && !mayImport(dir, imported) {
					t.Errorf("%s imports %q; allowed in %s", file, imported, who)
				}
				continue
			}
			if test {
				continue // the compiler keeps internal packages internal; tests may look around
			}
			if row == "" {
				t.Errorf("%s: package %s is not in the table of deps_test.go", file, dir)
				return
			}
			if !matches(rule, ours) {
				t.Errorf("%s imports %s, which %s may not", file, ours, dir)
			}
		}
	})
	for row := range allowed {
		if row != "" && !used[row] && !strings.HasSuffix(row, "/...") && row != "docs" {
			t.Errorf("the table has %s, which has no files", row)
		}
	}
}

func mayImport(dir, imported string) bool {
	switch imported {
	case "flag":
		return dir == "runner/command" || strings.HasPrefix(dir, "cmd/") || strings.HasPrefix(dir, "examples/")
	case "github.com/spf13/cobra":
		return strings.HasPrefix(dir, "cmd/leat")
	}
	return false
}

// ruleFor returns the table's line for a folder, the longest that fits.
func ruleFor(dir string) (rule, row string) {
	if rule, ok := allowed[dir]; ok {
		return rule, dir
	}
	for r, a := range allowed {
		prefix, all := strings.CutSuffix(r, "/...")
		if all && (dir == prefix || strings.HasPrefix(dir, prefix+"/")) && len(r) > len(row) {
			rule, row = a, r
		}
	}
	return rule, row
}

func matches(rule, imported string) bool {
	return slices.ContainsFunc(strings.Fields(rule), func(r string) bool {
		prefix, all := strings.CutSuffix(r, "/...")
		return r == imported || all && (imported == prefix || strings.HasPrefix(imported, prefix+"/"))
	})
}

func importsOf(t *testing.T, file string) []string {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var imports []string
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imports = append(imports, p)
	}
	return imports
}

// walkGo calls f with every Go file of the module, reading the folders itself:
// a test that shells out to the go command would be cached and stay green.
func walkGo(t *testing.T, f func(file string)) {
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "benchmarks" || name == "data" || name == "out" || name == "bin") {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(name, ".go") && strings.Contains(file, "/") {
			f(filepath.ToSlash(file))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
