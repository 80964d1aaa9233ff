// Package docs holds the tests of the documents beside it.
package docs

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	// What the snippets import: when it changes, the result of this test, which
	// runs the go command, must not come from the cache.
	_ "github.com/leatflow/leat/io/json"
	_ "github.com/leatflow/leat/io/memory"
	_ "github.com/leatflow/leat/sdk/leat"
	_ "github.com/leatflow/leat/transforms/pointintime"
)

var rewrite = flag.Bool("rewrite", false, "write what the compiler says into compile-errors.md")

const page = "compile-errors.md"

// section is one error: broken code, message, repaired code.
type section struct{ title, broken, message, fixed string }

var block = regexp.MustCompile("(?s)```(go|text)\n(.*?)```")

// read returns the declarations that all snippets share, and the sections.
func read(t *testing.T) (text, shared string, sections []section) {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(b), "\n## ")
	shared = block.FindStringSubmatch(parts[0])[2]
	for _, part := range parts[1:] {
		title, _, _ := strings.Cut(part, "\n")
		blocks := block.FindAllStringSubmatch(part, -1)
		if len(blocks) != 3 || blocks[0][1] != "go" || blocks[1][1] != "text" || blocks[2][1] != "go" {
			t.Fatalf("section %q: want a go, a text and a go block, got %d blocks", title, len(blocks))
		}
		sections = append(sections, section{title, blocks[0][2], blocks[1][2], blocks[2][2]})
	}
	return string(b), shared, sections
}

const header = `package snippets

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/transforms/pointintime"
)

var (
	_ context.Context
	_ iter.Seq[int]
	_ = slices.Values[[]int]
	_ = strconv.Atoi
	_ strings.Builder
	_ time.Time
	_ json.Sink
	_ memory.Collector[int]
	_ agg.Term
	_ field.Cond
	_ leat.BadRecord
	_ watermark.Generator
	_ pointintime.Term
)

`

// file makes a Go file of a snippet: its declarations, and a function around the
// rest.
func file(number int, snippet string) string {
	var outside, inside strings.Builder
	for paragraph := range strings.SplitSeq(snippet, "\n\n") {
		to := &inside
		if strings.HasPrefix(paragraph, "type ") || strings.HasPrefix(paragraph, "func ") {
			to = &outside
		}
		to.WriteString(paragraph + "\n")
	}
	return fmt.Sprintf("%s%s\nfunc _(p *leat.Pipeline, events leat.PCollection[Event]) {\n%s}\n", header, outside.String(), inside.String())
}

var (
	located = regexp.MustCompile(`^\S*?snippet(\d+)\.go:\d+:\d+: (.*)`)
	unused  = "declared and not used"
)

// compile builds one package of all snippets, which exist only in an overlay,
// and returns what the compiler says of each, without positions.
func compile(t *testing.T, shared string, snippets []string) [][]string {
	t.Helper()
	dir, here := t.TempDir(), absolute(t)
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	add := func(name, source string) {
		real := filepath.Join(dir, name)
		if err := os.WriteFile(real, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(here, "snippets", name)] = real
	}
	add("shared.go", "package snippets\n\nimport \"time\"\n\n"+shared)
	for i, s := range snippets {
		add(fmt.Sprintf("snippet%d.go", i), file(i, s))
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	add("overlay.json", string(list))
	out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-gcflags=-e", "./snippets").CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return sort(t, len(snippets), string(out))
}

func absolute(t *testing.T) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// sort assigns the compiler's messages to the snippets. Unused variables are
// left out: snippets are short.
func sort(t *testing.T, n int, out string) [][]string {
	t.Helper()
	messages := make([][]string, n)
	at := -1
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		switch m := located.FindStringSubmatch(line); {
		case m != nil && strings.HasPrefix(m[2], unused):
			at = -1
		case m != nil:
			fmt.Sscan(m[1], &at)
			messages[at] = append(messages[at], m[2])
		case strings.HasPrefix(line, "\t") && at >= 0:
			messages[at] = append(messages[at], "    "+strings.TrimSpace(line))
		case !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "\t"):
			t.Fatalf("the compiler says what is no message about a snippet: %s\n%s", line, out)
		}
	}
	return messages
}

func TestCompileErrors(t *testing.T) {
	// Every broken snippet of the page gives the message beside it, and every
	// repaired one compiles.
	text, shared, sections := read(t)
	var broken, fixed []string
	for _, s := range sections {
		broken, fixed = append(broken, s.broken), append(fixed, s.fixed)
	}
	for i, said := range compile(t, shared, fixed) {
		if len(said) > 0 {
			t.Errorf("%s: the fix does not compile: %s", sections[i].title, strings.Join(said, "\n"))
		}
	}
	for i, said := range compile(t, shared, broken) {
		s, got := sections[i], strings.Join(said, "\n")+"\n"
		if *rewrite && !matches(s.message, got) {
			old := s.broken + "```\n\n```text\n" + s.message
			text = strings.Replace(text, old, s.broken+"```\n\n```text\n"+got, 1)
			continue
		}
		if !matches(s.message, got) {
			t.Errorf("%s: the page says\n%s\nthe compiler says\n%s", s.title, s.message, got)
		}
	}
	if *rewrite {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// matches compares a message of the page, in which … stands for anything, with
// the compiler's.
func matches(want, got string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(want)), "…", "(?s:.*)")
	return want != "" && regexp.MustCompile("^"+pattern+"$").MatchString(strings.TrimSpace(got))
}
