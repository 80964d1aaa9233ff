package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
)

func leat(t testing.TB, args ...string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	code := run(t.Context(), args, &out, &out)
	return out.String(), code
}

func contains(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

// A column that cannot be read is described as such, left out of head with a note,
// and compared only when the user leaves it out.
func TestUnreadableColumn(t *testing.T) {
	type priced struct {
		N     int64 `parquet:"n"`
		Price int64 `parquet:"price,decimal(2:18)"`
	}
	name := filepath.Join(t.TempDir(), "a.parquet")
	if err := parquet.WriteFile(name, []priced{{1, 100}, {2, 200}}); err != nil {
		t.Fatal(err)
	}
	out, code := leat(t, "inspect", name)
	contains(t, out, "price  unreadable: it is a decimal", "n           0        ~2  1    2")
	if code != 0 {
		t.Errorf("inspect ended with %d", code)
	}
	out, _ = leat(t, "head", name)
	contains(t, out, `column "price" is left out: it is a decimal`, "n\n1\n2\n")
	if out, code = leat(t, "diff", name, name); code != 2 {
		t.Errorf("diff ended with %d", code)
	}
	contains(t, out, `column "price" cannot be compared`, "--ignore price")
	if out, code = leat(t, "diff", name, name, "--ignore", "price"); code != 0 {
		t.Errorf("diff ended with %d: %s", code, out)
	}
}

// A file that is damaged inside is an error with its place, never a result.
func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.parquet"), filepath.Join(dir, "bad.parquet")
	typ, _ := parseType("struct{s string}")
	var s batch.Strings
	for i := range 1000 {
		s.Append(fmt.Sprint("value ", i*i))
	}
	writeParquet(t, good, typ, pages.WriterOptions{Compression: pages.Zstd}, []*batch.Column{batch.NewStruct(typ, 1000, batch.NewStrings(typ.Fields[0].Type, s))})
	b, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for i := 40; i < 400; i++ {
		b[i] ^= 0x5a
	}
	if err := os.WriteFile(bad, b, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"inspect", bad}, {"head", bad}, {"diff", good, bad}, {"diff", bad, good}} {
		out, code := leat(t, args...)
		if code != 2 {
			t.Errorf("%v ended with %d", args[0], code)
		}
		contains(t, out, "bad.parquet", "row group 0", `column "s"`)
	}
}

// An interrupt ends the work with exit code 2.
func TestInterrupt(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.parquet")
	if err := parquet.WriteFile(name, []struct{ N int64 }{{1}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if code := run(ctx, []string{"diff", name, name}, &out, &out); code != 2 || out.String() != "leat: interrupted\n" {
		t.Errorf("ended with %d: %s", code, out.String())
	}
}

// version prints what the linker recorded, and says so when it did not.
func TestVersion(t *testing.T) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	for want, info := range map[string]*debug.BuildInfo{
		"leat      v1.2.3\nrevision  abc of 2026-01-02T03:04:05Z, with changes that are not committed\ngo        go1.26 " + platform + "\n": {
			GoVersion: "go1.26", Main: debug.Module{Version: "v1.2.3"},
			Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"}},
		},
		"leat      (devel)\nrevision  unknown\ngo        go1.26 " + platform + "\n": {GoVersion: "go1.26"},
	} {
		var out bytes.Buffer
		if err := writeVersion(&out, info); err != nil || out.String() != want {
			t.Errorf("got\n%s%v\nwant\n%s", out.String(), err, want)
		}
	}
	if out, code := leat(t, "version"); code != 0 || !strings.Contains(out, runtime.Version()) {
		t.Errorf("version ended with %d: %s", code, out)
	}
}
