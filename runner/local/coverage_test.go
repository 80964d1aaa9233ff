package local_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leatflow/leat/sdk/window"
)

// cell is a combination that random pipelines are to have: a transform of rows in
// windows of a kind, with results fired in a way.
type cell struct {
	transform, windows, firing string
}

// coverage counts pipelines by the combinations in them.
type coverage map[cell]int

// kinds are the columns of the table. A row that a grouping step has put into a
// window counts for the kind of the window and for "grouped".
var kinds = []string{"global", "fixed", "offset", "sliding", "gaps", "session", "custom", "grouped"}

func kindOf(fn window.Fn) string {
	switch {
	case fn.Kind() == window.KindGlobal:
		return "global"
	case fn.Kind() == window.KindSession:
		return "session"
	case fn.Kind() == window.KindCustom:
		return "custom"
	case fn.Period() > fn.Size():
		return "gaps"
	case fn.Period() < fn.Size():
		return "sliding"
	case strings.Contains(fn.String(), "offset"):
		return "offset"
	}
	return "fixed"
}

// covers notes a transform of a flow.
func (g *generator) covers(transform string, in flow, firing string) {
	g.cells[cell{transform, kindOf(in.fn), firing}]++
	if in.grouped {
		g.cells[cell{transform, "grouped", firing}]++
	}
}

func (c coverage) add(o coverage) {
	for k, n := range o {
		c[k] += n
	}
}

// impossible are combinations that the API refuses or that mean nothing.
func impossible(c cell) bool {
	if c.firing != "" && c.windows == "grouped" {
		return true // a trigger comes with windows of its own
	}
	switch c.transform {
	case "stateful": // sessions grow, and with them what the state would be of
		return c.windows == "session"
	case "join", "left join", "full join": // ungrouped sessions grow with both sides
		return c.windows == "session" && c.firing == ""
	}
	return false
}

// least returns the smallest count of the combinations of every transform seen with
// every kind of windows, and which it is.
func (c coverage) least() (least int, which cell) {
	least = -1
	for _, row := range c.rows() {
		for _, kind := range kinds {
			at := cell{row.transform, kind, row.firing}
			if n := c[at]; !impossible(at) && (least < 0 || n < least) {
				least, which = n, at
			}
		}
	}
	return least, which
}

// rows lists the transforms seen, with each of their firings.
func (c coverage) rows() []cell {
	seen := make(map[cell]bool)
	for k := range c {
		seen[cell{k.transform, "", k.firing}] = true
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b cell) int {
		return strings.Compare(a.transform+"\x00"+a.firing, b.transform+"\x00"+b.firing)
	})
}

// String is the table.
func (c coverage) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-34s", "transform, firing")
	for _, k := range kinds {
		fmt.Fprintf(&b, "%9s", k)
	}
	for _, row := range c.rows() {
		fmt.Fprintf(&b, "\n%-34s", strings.TrimSuffix(row.transform+", "+row.firing, ", "))
		for _, k := range kinds {
			at := cell{row.transform, k, row.firing}
			if impossible(at) && c[at] == 0 {
				fmt.Fprintf(&b, "%9s", "–")
				continue
			}
			fmt.Fprintf(&b, "%9d", c[at])
		}
	}
	return b.String()
}
