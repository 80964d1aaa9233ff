package leat_test

import (
	"flag"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/leat"
)

var rewrite = flag.Bool("rewrite", false, "rewrite testdata with what the tests got")

// event is the row of most tests.
type event struct {
	User  string    `leat:"user"`
	At    time.Time `leat:"at"`
	N     int64     `leat:"n"`
	Price *float64  `leat:"price"`
	Place town      `leat:"place"`
}

type town struct {
	Name string `leat:"name"`
	Zip  int32  `leat:"zip"`
}

// events starts a pipeline of event rows.
func events(p *leat.Pipeline, rows ...event) leat.PCollection[event] {
	return leat.Read[event](p, "events", memory.Of(rows...))
}

// golden compares text with a file in testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = "testdata/" + file
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == got {
		return
	}
	wantCases, gotCases := strings.Split(string(want), "\n-- "), strings.Split(got, "\n-- ")
	for i := range max(len(wantCases), len(gotCases)) {
		var w, g string
		if i < len(wantCases) {
			w = wantCases[i]
		}
		if i < len(gotCases) {
			g = gotCases[i]
		}
		if w != g {
			t.Fatalf("%s differs (run with -rewrite to accept)\n--- want\n%s\n--- got\n%s", file, w, g)
		}
	}
}

var placed = regexp.MustCompile(`[^ \n(]*\bleat/([a-z_]+_test\.go):([0-9]+)`)

// withCode replaces each file:line of a message by the code there, which says
// more and does not change with every edit of the file.
func withCode(t *testing.T, message string) string {
	return placed.ReplaceAllStringFunc(message, func(place string) string {
		m := placed.FindStringSubmatch(place)
		source, err := os.ReadFile(m[1])
		if err != nil {
			t.Fatal(err)
		}
		n, _ := strconv.Atoi(m[2])
		code := strings.TrimSpace(strings.Split(string(source), "\n")[n-1])
		if _, body, oneLine := strings.Cut(code, "func(p *leat.Pipeline) { "); oneLine {
			code = strings.TrimSuffix(body, " }},")
		}
		return "[" + code + "]"
	})
}
