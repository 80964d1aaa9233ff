package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/leatflow/leat/cmd/leat/internal/diff"
	"github.com/leatflow/leat/cmd/leat/internal/table"
	"github.com/leatflow/leat/cmd/leat/internal/text"
)

// writeDiff prints a result: what is different about the columns first, then
// counts, then the first rows of each sort.
func writeDiff(out *bufio.Writer, a, b *table.Table, r *diff.Result, o *diff.Options) {
	g := &text.Grid{Right: []bool{false, true}, Width: -1}
	g.Row("A", text.Count(a.Rows), "rows", a.Describe())
	g.Row("B", text.Count(b.Rows), "rows", b.Describe())
	_, _ = g.WriteTo(out) // bufio keeps the first error for Flush
	writeSchema(out, r.Schema)
	writeCounts(out, r, o)
	if r.Changed > 0 {
		writeChangedColumns(out, r)
		writeChanges(out, r)
	}
	writeLone(out, "A", r.OnlyA, r.FirstOnlyA)
	writeLone(out, "B", r.OnlyB, r.FirstOnlyB)
	if len(o.By) == 0 && r.OnlyA > 0 && r.OnlyB > 0 {
		fmt.Fprint(out, "\nname the columns that identify a row with --by to see which values differ\n")
	}
}

func writeSchema(out *bufio.Writer, differences []diff.SchemaDifference) {
	if len(differences) == 0 {
		return
	}
	fmt.Fprint(out, "\ncolumns that differ\n")
	g := &text.Grid{Indent: "  "}
	g.Row("column", "in A", "in B", "")
	for _, d := range differences {
		note := "types cannot be compared: left out"
		switch {
		case d.A == "" || d.B == "":
			note = "left out"
		case d.Comparable:
			note = "compared"
		}
		g.Row(d.Column, absent(d.A), absent(d.B), note)
	}
	_, _ = g.WriteTo(out)
}

func absent(t string) string {
	if t == "" {
		return "absent"
	}
	return t
}

func writeCounts(out *bufio.Writer, r *diff.Result, o *diff.Options) {
	fmt.Fprintln(out)
	if r.Same() {
		fmt.Fprintf(out, "same: %s rows are equal", text.Count(r.Equal+r.Within))
		if r.Within > 0 {
			fmt.Fprintf(out, ", %s of them within the tolerance of %g, at most %s apart", text.Count(r.Within), o.Tolerance, text.Number(most(r)))
		}
		fmt.Fprintln(out)
		return
	}
	fmt.Fprint(out, "different\n")
	if len(r.Columns) == 0 {
		fmt.Fprint(out, "  no column can be compared\n")
		return
	}
	g := &text.Grid{Indent: "  ", Right: []bool{false, true}, Width: -1}
	g.Row("equal", text.Count(r.Equal), "rows")
	if r.Within > 0 {
		g.Row("within tolerance", text.Count(r.Within), fmt.Sprintf("rows, equal within %g only", o.Tolerance))
	}
	g.Row("changed", text.Count(r.Changed), "rows"+keyNote(r, o))
	g.Row("only in A", text.Count(r.OnlyA), "rows")
	g.Row("only in B", text.Count(r.OnlyB), "rows")
	if r.Repeats > 0 && len(o.By) > 0 {
		g.Row("repeated keys", text.Count(r.Repeats), "among the rows that differ; their rows are paired in the order of their values")
	}
	_, _ = g.WriteTo(out)
}

func keyNote(r *diff.Result, o *diff.Options) string {
	switch {
	case r.Changed == 0:
		return ""
	case len(o.By) > 0:
		return " with the same " + strings.Join(o.By, ", ")
	}
	return " that are the same but for floats"
}

func most(r *diff.Result) float64 {
	var m float64
	for _, c := range r.Columns {
		m = max(m, c.Most)
	}
	return m
}

func writeChangedColumns(out *bufio.Writer, r *diff.Result) {
	fmt.Fprint(out, "\nchanged columns\n")
	g := &text.Grid{Indent: "  ", Right: []bool{false, true}}
	g.Row("column", "rows", "largest difference")
	for _, c := range r.Columns {
		if c.Changed == 0 {
			continue
		}
		size := ""
		if c.Most > 0 {
			size = text.Number(c.Most)
		}
		g.Row(c.Name, text.Count(c.Changed), size)
	}
	_, _ = g.WriteTo(out)
}

// writeChanges prints one line for each value that differs, the key in front of
// the first one of its row.
func writeChanges(out *bufio.Writer, r *diff.Result) {
	if len(r.FirstChanged) == 0 {
		return
	}
	fmt.Fprintf(out, "\nchanged rows%s\n", firstOf(len(r.FirstChanged), r.Changed))
	g := &text.Grid{Indent: "  "}
	g.Row(append(append([]string{}, r.Key...), "column", "in A", "in B")...)
	for _, change := range r.FirstChanged {
		key := make([]string, len(r.Key))
		for i, c := range change.Key {
			key[i] = c.Value
		}
		for _, cell := range change.Cells {
			g.Row(append(append([]string{}, key...), cell.Column, cell.A, cell.B)...)
			clear(key)
		}
	}
	_, _ = g.WriteTo(out)
}

func writeLone(out *bufio.Writer, side string, count int64, rows []diff.Row) {
	if count == 0 || len(rows) == 0 {
		return
	}
	fmt.Fprintf(out, "\nonly in %s%s\n", side, firstOf(len(rows), count))
	g := &text.Grid{Indent: "  "}
	for i, row := range rows {
		names, values := make([]string, len(row)), make([]string, len(row))
		for k, c := range row {
			names[k], values[k] = c.Column, c.Value
		}
		if i == 0 {
			g.Row(names...)
		}
		g.Row(values...)
	}
	_, _ = g.WriteTo(out)
}

func firstOf(shown int, count int64) string {
	if int64(shown) == count {
		return ""
	}
	return fmt.Sprintf(", the first %s of %s", text.Count(shown), text.Count(count))
}
