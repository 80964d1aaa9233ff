// Package text renders what cmd/leat prints: aligned tables, numbers for people,
// rows as JSON.
//
// The one central idea: a table is laid out after all its cells are known, each
// column as wide as its widest cell and no wider than a limit, and nothing in it
// depends on the terminal, so that output can be compared with a file:
//
//	column  type    nulls
//	origin  string      0
//	delay   int32?  1,204
package text

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CellWidth is how many characters of a value a table shows unless told otherwise.
const CellWidth = 36

// Grid is a table to be aligned.
type Grid struct {
	Indent string
	Right  []bool // columns of numbers, aligned at the right
	Width  int    // of a cell at most; 0: CellWidth, -1: no limit
	rows   [][]string
}

// Row adds a row. What cannot be printed is escaped, and what is too long is cut.
func (g *Grid) Row(cells ...string) {
	width := g.Width
	if width == 0 {
		width = CellWidth
	}
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = Cut(Printable(c), width)
	}
	g.rows = append(g.rows, row)
}

// Len returns the number of rows.
func (g *Grid) Len() int { return len(g.rows) }

// WriteTo writes the rows, columns two spaces apart, without spaces at line ends.
func (g *Grid) WriteTo(w io.Writer) (int64, error) {
	var widths []int
	for _, row := range g.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var out strings.Builder
	for _, row := range g.rows {
		var line strings.Builder
		line.WriteString(g.Indent)
		for i, c := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			if i < len(g.Right) && g.Right[i] {
				line.WriteString(pad + c)
			} else {
				line.WriteString(c + pad)
			}
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	n, err := io.WriteString(w, out.String())
	return int64(n), err
}

// Printable returns s with what would break a line or a terminal written as
// escapes: control characters, bytes that are no UTF-8.
func Printable(s string) string {
	clean := true
	for _, r := range s {
		clean = clean && r != utf8.RuneError && unicode.IsPrint(r)
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x` + hexDigits(s[i]))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escapeRune(r))
		}
		i += n
	}
	return b.String()
}

// Cut shortens s to width characters, the last of them an ellipsis.
func Cut(s string, width int) string {
	if width < 0 || utf8.RuneCountInString(s) <= width {
		return s
	}
	runes := []rune(s)
	return string(runes[:width-1]) + "…"
}
