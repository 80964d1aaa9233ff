package sessions_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/transforms/sessions"
)

type click struct {
	User string    `leat:"user"`
	Page string    `leat:"page"`
	At   time.Time `leat:"at"`
}

func byUser(p *leat.Pipeline, rows []click) leat.PCollection[leat.KV[string, click]] {
	in := leat.Read(p, "clicks", memory.Source[click]{Rows: rows, Splits: 4},
		leat.EventTimeField(func(c *click) *time.Time { return &c.At }, watermark.Disorder(time.Hour)))
	return leat.KeyBy(in, "by-user", field.Of(func(c *click) *string { return &c.User }))
}

const gap = 10 * time.Second

func random(n int) []click {
	r := rand.New(rand.NewPCG(3, 4))
	rows := make([]click, n)
	for i := range rows {
		rows[i] = click{string(rune('a' + r.IntN(3))), fmt.Sprint(i), time.Unix(r.Int64N(2000), 0).UTC()}
	}
	return rows
}

// naive sorts the rows of each user and cuts them where gap or more lies between.
func naive(rows []click) (all [][]click) {
	users := map[string][]click{}
	for _, c := range rows {
		users[c.User] = append(users[c.User], c)
	}
	for _, mine := range users {
		slices.SortFunc(mine, func(a, b click) int { return a.At.Compare(b.At) })
		for i, c := range mine {
			if i == 0 || c.At.Sub(mine[i-1].At) >= gap {
				all = append(all, nil)
			}
			all[len(all)-1] = append(all[len(all)-1], c)
		}
	}
	return all
}

func eachPlan(t *testing.T, f func(t *testing.T, o local.Options)) {
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		for _, tasks := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s-%d", plan, tasks), func(t *testing.T) {
				f(t, local.Options{Plan: plan, Parallelism: tasks, BatchRows: 50})
			})
		}
	}
}

func TestAgainstSorting(t *testing.T) {
	// Sessions and the rows in them are those that sorting and cutting finds, on both
	// plans, with one task and with several.
	rows := random(500)
	var wantSessions, wantRows []string
	for _, s := range naive(rows) {
		text := fmt.Sprintf("%s %d-%d %d", s[0].User, s[0].At.Unix(), s[len(s)-1].At.Unix(), len(s))
		wantSessions = append(wantSessions, text)
		for _, c := range s {
			wantRows = append(wantRows, fmt.Sprintf("%s in %s at %d", c.Page, text, c.At.Unix()))
		}
	}
	slices.Sort(wantSessions)
	slices.Sort(wantRows)
	text := func(user string, s sessions.Session) string {
		return fmt.Sprintf("%s %d-%d %d", user, s.Start.Unix(), s.Last.Unix(), s.Rows)
	}
	eachPlan(t, func(t *testing.T, o local.Options) {
		p := &leat.Pipeline{}
		in := byUser(p, rows)
		var found memory.Collector[leat.KV[string, sessions.Session]]
		var assigned memory.Collector[leat.KV[string, sessions.Row[click]]]
		leat.Write(sessions.Find(in, "visits", gap), "found", &found)
		leat.Write(sessions.Assign(in, "assigned", gap), "rows", &assigned)
		if _, err := local.Run(t.Context(), p, o); err != nil {
			t.Fatal(err)
		}
		var got, gotRows []string
		for _, kv := range found.Rows() {
			got = append(got, text(kv.Key, kv.Value))
		}
		for _, kv := range assigned.Rows() {
			gotRows = append(gotRows, fmt.Sprintf("%s in %s at %d", kv.Value.Value.Page, text(kv.Key, kv.Value.Session), kv.Value.At.Unix()))
		}
		slices.Sort(got)
		slices.Sort(gotRows)
		if !slices.Equal(got, wantSessions) {
			t.Errorf("got %d sessions %q, want %d %q", len(got), got, len(wantSessions), wantSessions)
		}
		if !slices.Equal(gotRows, wantRows) {
			t.Errorf("got %d rows, want %d", len(gotRows), len(wantRows))
		}
	})
}

func TestMistakes(t *testing.T) {
	// Mistakes carry the line of the caller, not one inside of the transform.
	p := &leat.Pipeline{}
	in := byUser(p, nil)
	sessions.Find(in, "none", 0)
	sessions.Assign(in, "negative", -time.Second)
	_, err := p.Graph()
	if err == nil {
		t.Fatal("no mistake was found")
	}
	if n := strings.Count(err.Error(), "sessions/sessions_test.go:"); n != 2 || strings.Contains(err.Error(), "sessions.go") || !strings.Contains(err.Error(), "must be positive") {
		t.Errorf("got %v", err)
	}
}

func ExampleFind() {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := &leat.Pipeline{}
	clicks := byUser(p, []click{
		{"ann", "/", noon}, {"ann", "/pens", noon.Add(3 * time.Second)}, {"ann", "/", noon.Add(time.Minute)}, {"bob", "/", noon},
	})
	var out memory.Collector[leat.KV[string, sessions.Session]]
	leat.Write(sessions.Find(clicks, "visits", gap), "out", &out)
	if _, err := local.Run(context.Background(), p, local.Options{}); err != nil {
		fmt.Println(err)
	}
	var lines []string
	for _, kv := range out.Rows() {
		lines = append(lines, fmt.Sprintf("%s %s: %d clicks in %s", kv.Key, kv.Value.Start.Format(time.TimeOnly), kv.Value.Rows, kv.Value.Duration()))
	}
	slices.Sort(lines)
	fmt.Println(strings.Join(lines, "\n"))
	// Output:
	// ann 12:00:00: 2 clicks in 3s
	// ann 12:01:00: 1 clicks in 0s
	// bob 12:00:00: 1 clicks in 0s
}
