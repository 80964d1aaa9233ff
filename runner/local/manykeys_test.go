package local_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
)

// Where there are too many keys to sort, results come key group by key group;
// they are as right, and in as repeatable an order, as when there are few.
func TestManyKeys(t *testing.T) {
	type purchase struct {
		User  *string
		Cents int64
	}
	type stats struct {
		User     *string
		N, Cents int64
	}
	const users = 150_000
	var rows []purchase
	want := make(map[string]stats)
	for i := range int64(2*users + users/2) {
		user := fmt.Sprintf("user-%d", i*7919%users)
		p := purchase{&user, i % 1000}
		if i%users == 5 {
			p.User = nil
			user = "null"
		}
		rows = append(rows, p)
		s := want[user]
		want[user] = stats{p.User, s.N + 1, s.Cents + p.Cents}
	}
	run := func(parallelism, batchRows int) []stats {
		t.Helper()
		p := new(leat.Pipeline)
		in := leat.Read[purchase](p, "purchases", memory.Source[purchase]{Rows: rows, Splits: 5})
		byUser := leat.KeyBy(in, "by-user", field.Of(func(p *purchase) *string { return p.User }))
		out := &memory.Collector[stats]{}
		leat.Write(leat.Values(leat.Combine(byUser, "stats", agg.Into(func(p *purchase, s *stats) []agg.Term {
			return []agg.Term{agg.Key(s.User), agg.Count(&s.N), agg.Sum(&s.Cents, &p.Cents)}
		}))), "out", out)
		if _, err := local.Run(t.Context(), p, local.Options{Parallelism: parallelism, BatchRows: batchRows}); err != nil {
			t.Fatal(err)
		}
		return out.Rows()
	}
	text := func(s stats) string {
		user := "null"
		if s.User != nil {
			user = *s.User
		}
		return fmt.Sprint(user, s.N, s.Cents)
	}
	for _, parallelism := range []int{1, 2, 3} {
		var first []string
		for _, batchRows := range []int{1000, 8192, 100_000} {
			var got []string
			for _, s := range run(parallelism, batchRows) {
				user := "null"
				if s.User != nil {
					user = *s.User
				}
				if text(s) != text(want[user]) {
					t.Fatalf("parallelism %d, batches of %d: got %s, want %s", parallelism, batchRows, text(s), text(want[user]))
				}
				got = append(got, text(s))
			}
			if parallelism > 1 { // a collector takes from its tasks as they come
				slices.Sort(got)
			}
			if len(got) != len(want) || len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(want) {
				t.Fatalf("parallelism %d, batches of %d: %d results for %d users", parallelism, batchRows, len(got), len(want))
			}
			if first == nil {
				first = got
			}
			if !slices.Equal(got, first) {
				t.Fatalf("parallelism %d: batches of %d give another order than batches of 1000", parallelism, batchRows)
			}
		}
	}
}
