package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/leatflow/leat/cmd/leat/internal/profile"
	"github.com/leatflow/leat/cmd/leat/internal/text"
	"github.com/leatflow/leat/sdk/batch"
)

// writeInspection prints what was found, for people.
func writeInspection(out *bufio.Writer, in *inspection, f *inspectFlags) {
	fmt.Fprintf(out, "%s\n", in.Path)
	fmt.Fprintf(out, "  %s, %s, %s, %s", in.Format, plural(int64(len(in.Files)), "file"), plural(in.Rows, "row"), text.Bytes(in.Bytes))
	if in.Storage != nil {
		fmt.Fprintf(out, ", %s", plural(int64(len(in.Storage.Groups)), "row group"))
	}
	fmt.Fprintln(out)
	if in.Storage != nil && len(in.Storage.Writers) > 0 {
		fmt.Fprintf(out, "  written by %s\n", text.Printable(strings.Join(in.Storage.Writers, "; ")))
	}
	writeSchemaColumns(out, in)
	if in.Storage != nil {
		writeStorage(out, in, f.groups)
	}
	if !in.Scanned {
		writeFooters(out, in.Footers)
		return
	}
	writeStatistics(out, in.Columns)
	writeTimes(out, in.Columns)
	for _, c := range in.Columns {
		writeTop(out, &c)
	}
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return text.Count(n) + " " + what + "s"
}

func writeSchemaColumns(out *bufio.Writer, in *inspection) {
	fmt.Fprint(out, "\ncolumns\n")
	g := &text.Grid{Indent: "  ", Width: 64}
	for _, c := range in.Schema {
		kind := strings.TrimSuffix(c.Type, "?")
		nullable := ""
		if c.Nullable {
			nullable = "nullable"
		}
		switch {
		case c.Why != "":
			kind, nullable = "unreadable: it is "+c.Why, ""
		case c.FromPath:
			nullable += ", from the names of directories"
		}
		g.Row(c.Name, kind, nullable)
	}
	_, _ = g.WriteTo(out) // bufio keeps the first error for Flush
}

func writeStorage(out *bufio.Writer, in *inspection, most int) {
	s := in.Storage
	if len(s.Columns) == 0 {
		return
	}
	fmt.Fprint(out, "\nstorage\n")
	g := &text.Grid{Indent: "  ", Right: []bool{false, true, true}, Width: 40}
	g.Row("column", "compressed", "uncompressed", "compression", "encodings", "page index")
	for _, c := range s.Columns {
		g.Row(c.Name, text.Bytes(c.Compressed), text.Bytes(c.Uncompressed), strings.Join(c.Compression, " "), strings.Join(c.Encodings, " "), indexed(c.Indexed, len(s.Groups)))
	}
	_, _ = g.WriteTo(out)
	shown := len(s.Groups)
	if most >= 0 {
		shown = min(shown, most)
	}
	if shown == 0 {
		return
	}
	fmt.Fprint(out, "\nrow groups")
	if shown < len(s.Groups) {
		fmt.Fprintf(out, ", the first %s of %s (--groups -1 lists all)", text.Count(shown), text.Count(len(s.Groups)))
	}
	fmt.Fprintln(out)
	g = &text.Grid{Indent: "  ", Right: []bool{true, true, true, true}, Width: 52}
	g.Row("group", "rows", "compressed", "uncompressed", "file")
	for _, r := range s.Groups[:shown] {
		g.Row(text.Count(r.Group), text.Count(r.Rows), text.Bytes(r.Compressed), text.Bytes(r.Uncompressed), r.File)
	}
	_, _ = g.WriteTo(out)
}

// indexed says in how many row groups a column has a page index, with which a
// condition can leave pages out.
func indexed(some, all int) string {
	switch some {
	case 0:
		return "no"
	case all:
		return "yes"
	}
	return fmt.Sprintf("in %s of %s row groups", text.Count(some), text.Count(all))
}

func writeFooters(out *bufio.Writer, columns []footerColumn) {
	fmt.Fprint(out, "\nstatistics of the footers (? where they have none)\n")
	g := &text.Grid{Indent: "  ", Right: []bool{false, true}, Width: 27}
	g.Row("column", "nulls", "min", "max")
	for _, c := range columns {
		nulls, low, high := "?", "?", "?"
		if c.Nulls != nil {
			nulls = text.Count(*c.Nulls)
		}
		if c.Min != nil {
			low, high = short(*c.Min), short(*c.Max)
		}
		g.Row(c.Name, nulls, low, high)
	}
	_, _ = g.WriteTo(out)
}

// short drops a fraction of a second that is zero from a time.
func short(v string) string { return strings.Replace(v, ".000000Z", "Z", 1) }

func writeStatistics(out *bufio.Writer, columns []profile.Column) {
	fmt.Fprint(out, "\nstatistics\n")
	g := &text.Grid{Indent: "  ", Right: []bool{false, true, true}, Width: 27}
	g.Row("column", "nulls", "distinct", "min", "max")
	for _, c := range columns {
		distinct := "~" + text.Count(c.Distinct)
		if c.DistinctExact || c.Distinct < 2 {
			distinct = text.Count(c.Distinct)
		}
		row := []string{c.Name, text.Count(c.Nulls), distinct, short(c.Min), short(c.Max)}
		if c.NaNs > 0 {
			row = append(row, text.Count(c.NaNs)+" NaN")
		}
		g.Row(row...)
	}
	_, _ = g.WriteTo(out)
}

func writeTimes(out *bufio.Writer, columns []profile.Column) {
	g := &text.Grid{Indent: "  ", Right: []bool{false, false, false, true, true, true}, Width: 27}
	g.Row("column", "from", "to", "disorder", "out of order", "as row before")
	for _, c := range columns {
		if t := c.Times; t != nil {
			g.Row(c.Name, instant(t.From), instant(t.To), text.Span(t.DisorderMicros), text.Share(t.OutOfOrder, t.Values), text.Share(t.Repeated, t.Values))
		}
	}
	if g.Len() > 1 {
		fmt.Fprint(out, "\ntimes, in file order\n")
		_, _ = g.WriteTo(out)
	}
}

// instant renders a time of the engine, in µs.
func instant(micros int64) string {
	return short(batch.NewInts(&batch.Type{Kind: batch.Time}, []int64{micros}).Format(0))
}

func writeTop(out *bufio.Writer, c *profile.Column) {
	if c.Top == nil || len(c.Top.Values) == 0 {
		return
	}
	note := "exact"
	if !c.Top.Exact {
		note = "each count is too low by at most " + text.Count(c.Top.Error)
	}
	fmt.Fprintf(out, "\nfrequent values of %s (%s)\n", c.Name, note)
	g := &text.Grid{Indent: "  ", Right: []bool{false, true, true}, Width: 60}
	for _, v := range c.Top.Values {
		g.Row(v.Value, text.Count(v.Count), text.Share(v.Count, c.Rows))
	}
	_, _ = g.WriteTo(out)
}
