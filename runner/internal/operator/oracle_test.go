package operator

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// oracle says what a Combine must give, row by row and window by window, with no
// thought of speed: a list of rows for each key and window.
type oracle struct {
	chain     *chain // for the encoding of keys
	windowing graph.Windowing
	watermark int64
	groups    map[string]*group
	dropped   int64
}

type group struct {
	key    string // canonical bytes
	name   string // the key as it must be printed
	window window.Interval
	rows   []row
	fired  bool
}

// expect runs steps through the oracle.
func expect(c *chain, steps []step) *oracle {
	o := &oracle{chain: c, windowing: c.grouping.Windowing, watermark: batch.MinTime, groups: make(map[string]*group)}
	for _, s := range steps {
		for _, r := range s.rows {
			o.row(r)
		}
		o.watermark = max(o.watermark, s.watermark)
		for _, g := range o.groups {
			g.fired = g.fired || g.window.End <= o.watermark
		}
	}
	return o
}

// row puts a row into its windows that are still open.
func (o *oracle) row(r row) {
	key, name := o.key(r.key)
	var windows []window.Interval
	switch {
	case o.windowing.Grouped:
		windows = []window.Interval{r.in}
	case o.windowing.Fn.Kind() == window.KindSession:
		o.session(r, key, name)
		return
	default:
		windows, _ = o.windowing.Fn.Assign(r.t, nil)
	}
	late := len(windows) > 0
	for _, w := range windows {
		if w.End > o.watermark {
			late = false
			g := o.group(key, name, w)
			g.rows = append(g.rows, r)
		}
	}
	if late {
		o.dropped++
	}
}

func (o *oracle) group(key, name string, w window.Interval) *group {
	id := fmt.Sprint(key, w)
	if o.groups[id] == nil {
		o.groups[id] = &group{key: key, name: name, window: w}
	}
	return o.groups[id]
}

// session makes one window of the row's claim and all open ones it overlaps.
func (o *oracle) session(r row, key, name string) {
	w := window.Interval{Start: r.t, End: r.t + o.windowing.Fn.Gap()}
	rows := []row{r}
	var gone []string
	for id, g := range o.groups {
		if g.key == key && !g.fired && g.window.Start < r.t+o.windowing.Fn.Gap() && r.t < g.window.End {
			w.Start, w.End = min(w.Start, g.window.Start), max(w.End, g.window.End)
			rows, gone = append(rows, g.rows...), append(gone, id)
		}
	}
	if w.End <= o.watermark {
		o.dropped++
		return
	}
	for _, id := range gone {
		delete(o.groups, id)
	}
	g := o.group(key, name, w)
	g.rows = rows
}

// key returns the canonical bytes of a key and how its group must be printed:
// without a sign of zero, and with the one NaN.
func (o *oracle) key(key any) (canonical, name string) {
	c := o.chain.column(o.chain.grouping.Key, []any{unsigned(key)})
	return string(codec.AppendKey(nil, c, 0)), c.Format(0)
}

func unsigned(key any) any {
	switch k := key.(type) {
	case float64:
		if math.IsNaN(k) {
			return math.NaN()
		}
		return k + 0 // −0 + 0 is +0
	case []any:
		parts := make([]any, len(k))
		for i := range k {
			parts[i] = unsigned(k[i])
		}
		return parts
	}
	return key
}

// all returns the results by group.
func (o *oracle) all() map[string]string {
	out := make(map[string]string)
	for _, g := range o.groups {
		id := fmt.Sprintf("%s %x [%d,%d)", g.name, g.key, g.window.Start, g.window.End)
		out[id] = g.result().String()
	}
	return out
}

func (g *group) result() result {
	r := result{Start: time.UnixMicro(g.window.Start), End: time.UnixMicro(g.window.End)}
	rows := slices.Clone(g.rows)
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(a.f, b.f)) })
	for _, x := range rows {
		r.Rows++
		r.Float += x.f
		r.List = append(r.List, x.f)
		if x.v == nil {
			continue
		}
		r.Values++
		r.Sum += *x.v
		if r.Max == nil || *x.v > *r.Max {
			r.Max = x.v
		}
	}
	return r
}
