package files_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/connector/files"
)

// tree makes files named by slash-separated paths, each holding its own name.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		path := filepath.Join(dir, filepath.FromSlash(n))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestList(t *testing.T) {
	// Files, patterns and directories give the wanted files once each, in one
	// order, without hidden ones.
	dir := tree(t, "b.json", "a.json", "a/z.json", "a/deep/x.json.gz", "a-b.json", "note.md",
		".hidden.json", "_SUCCESS", "_tmp/t.json", ".leat-staging-X/p.json", "odd[1].json")
	if err := os.Symlink(filepath.Join(dir, "a"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		".":           {"a-b.json", "a.json", "a/deep/x.json.gz", "a/z.json", "b.json", "link/deep/x.json.gz", "link/z.json", "odd[1].json"},
		"a":           {"a/deep/x.json.gz", "a/z.json"},
		"note.md":     {"note.md"},
		"?.json":      {"a.json", "b.json"},
		"a*":          {"a-b.json", "a.json", "a/deep/x.json.gz", "a/z.json"},
		"odd[1].json": {"odd[1].json"},
	} {
		got, err := files.List(filepath.Join(dir, path), ".json", ".json.gz")
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		var names []string
		for _, f := range got {
			name, _ := filepath.Rel(dir, f.Path)
			names = append(names, filepath.ToSlash(name))
			if target, err := os.ReadFile(f.Path); err != nil || f.Size != int64(len(target)) {
				t.Errorf("%s: size %d, want %d, %v", name, f.Size, len(target), err)
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s: %q, want %q", path, names, want)
		}
	}
}

func TestListMistakes(t *testing.T) {
	// Each path with nothing to read behind it is an error that names it.
	dir := tree(t, "a.md", "loop/a.json", "broken/a.json")
	if err := os.Symlink(filepath.Join(dir, "loop"), filepath.Join(dir, "loop", "again")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "broken", "b.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"missing.json": "missing.json: no such file or directory",
		"a.md/x":       "a.md/x",
		"*.json":       "no file matches the pattern",
		"[":            "syntax error in pattern",
		"empty":        "holds no files that end in .json",
		"loop":         "lead in a circle",
		"broken":       "b.json",
	} {
		_, err := files.List(filepath.Join(dir, path), ".json")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
	if _, err := files.List(""); err == nil {
		t.Error("the empty path was accepted")
	}
}
