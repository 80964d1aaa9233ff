package graph_test

import (
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

type row struct {
	User string    `leat:"user"`
	At   time.Time `leat:"at"`
	N    int64     `leat:"n"`
}

// knobs are what the fingerprint must depend on.
type knobs struct {
	name     string
	size     time.Duration
	least    int64
	max      bool
	disorder time.Duration
	extra    bool
}

func build(t *testing.T, k knobs) *graph.Graph {
	t.Helper()
	p := &leat.Pipeline{}
	in := leat.Read(p, "rows", memory.Of(row{}), leat.EventTimeField(func(r *row) *time.Time { return &r.At }, watermark.Disorder(k.disorder)))
	in = leat.Where(in, "some", func(r *row) field.Cond { return field.AtLeast(&r.N, k.least) })
	byUser := leat.Window(leat.KeyBy(in, "by-user", field.Of(func(r *row) *string { return &r.User })), window.Fixed(k.size))
	out := leat.Combine(byUser, k.name, agg.Into(func(r *row, n *int64) []agg.Term {
		if k.max {
			return []agg.Term{agg.Max(n, &r.N)}
		}
		return []agg.Term{agg.Sum(n, &r.N)}
	}))
	if k.extra {
		out = leat.Filter(out, "extra", func(leat.KV[string, int64]) bool { return true })
	}
	leat.Write(out, "out", &memory.Collector[leat.KV[string, int64]]{})
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The same program gives the same fingerprint every time; another name, window,
// condition, aggregate, disorder or step gives another.
func TestFingerprint(t *testing.T) {
	base := knobs{name: "total", size: time.Hour, least: 3, disorder: time.Minute}
	if a, b := build(t, base).Fingerprint(), build(t, base).Fingerprint(); a != b {
		t.Fatalf("the same pipeline has fingerprints %x and %x", a, b)
	}
	seen := map[uint64]string{build(t, base).Fingerprint(): "the base"}
	for what, change := range map[string]func(*knobs){
		"name": func(k *knobs) { k.name = "sum" }, "window": func(k *knobs) { k.size = time.Minute }, "condition": func(k *knobs) { k.least = 4 },
		"aggregate": func(k *knobs) { k.max = true }, "disorder": func(k *knobs) { k.disorder = 0 }, "step": func(k *knobs) { k.extra = true },
	} {
		k := base
		change(&k)
		f := build(t, k).Fingerprint()
		if other, taken := seen[f]; taken {
			t.Errorf("another %s has the fingerprint of another %s", what, other)
		}
		seen[f] = what
	}
}

// A graph lists its nodes with inputs, types and windows.
func TestString(t *testing.T) {
	const want = `0 read "rows" (memory (1 rows), event time at, watermark disorder 1m0s) → struct{user string, at time, n int64} global
1 where "some" ←0.0 (n ≥ 3) → struct{user string, at time, n int64} global
2 keyby "by-user" ←1.0 → struct{key string, value struct{user string, at time, n int64}} global
3 window "by-user.window" ←2.0 (fixed 1h0m0s) → struct{key string, value struct{user string, at time, n int64}} fixed 1h0m0s
4 combine "total" ←3.0 (sum(n)) → struct{key string, value int64} fixed 1h0m0s grouped
5 write "out" ←4.0 (memory) → struct{key string, value int64} fixed 1h0m0s grouped
`
	if got := build(t, knobs{name: "total", size: time.Hour, least: 3, disorder: time.Minute}).String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
