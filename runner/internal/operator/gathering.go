package operator

import "github.com/leatflow/leat/sdk/batch"

// gathering puts rows of several columns together, in the order in which they
// are added.
type gathering struct {
	cols  []*batch.Column
	rows  [][]int32 // of each column
	order []gathered
}

// gathered is a row of a gathering: of which column, the how manieth.
type gathered struct{ col, at int32 }

// source adds a column and returns its number.
func (g *gathering) source(c *batch.Column) int32 {
	g.cols, g.rows = append(g.cols, c), append(g.rows, nil)
	return int32(len(g.cols) - 1)
}

// add adds a row of a column.
func (g *gathering) add(col int32, row int) {
	g.order = append(g.order, gathered{col, int32(len(g.rows[col]))})
	g.rows[col] = append(g.rows[col], int32(row))
}

// len returns the number of rows.
func (g *gathering) len() int { return len(g.order) }

// column returns the rows; there must be some.
func (g *gathering) column() *batch.Column {
	var parts []*batch.Column
	first := make([]int32, len(g.cols))
	at := int32(0)
	for i, rows := range g.rows {
		first[i] = at
		if len(rows) > 0 {
			parts = append(parts, g.cols[i].Gather(rows))
			at += int32(len(rows))
		}
	}
	all := batch.Concat(parts)
	if len(parts) == 1 {
		return all // in the order in which they were added
	}
	order := make([]int32, len(g.order))
	for i, p := range g.order {
		order[i] = first[p.col] + p.at
	}
	return all.Gather(order)
}

// reset forgets columns and rows.
func (g *gathering) reset() {
	clear(g.cols)
	g.cols, g.rows, g.order = g.cols[:0], g.rows[:0], g.order[:0]
}
