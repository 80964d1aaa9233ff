// Package batch is the unit that travels between operators: some thousand rows
// of columns, each row with its event time and, behind a grouping step, its
// window.
//
// The one central idea: a batch never changes. A filter adds a selection, a
// projection drops or renames columns, KeyBy points at a column twice; the
// vectors underneath are shared and stay as the reader made them.
//
//	Batch
//	├── Root    struct{origin string, delay int64, …}   or one scalar column
//	│     ├── origin  Codes [3 3 0 …] → Dict ["ATL" "BOS" "DFW" "JFK"]
//	│     └── delay   Ints  [-4 12 55 …]
//	├── Time    [t0 t1 t2 …]      event time, µs since the epoch
//	├── Start   [w0 w0 w1 …]      window of each row; nil before the first grouping
//	├── End     [e0 e0 e1 …]
//	├── Panes   [p0 p1 p0 …]      firing of the window; nil: the only one
//	└── Sel     [0 2 5 …]         rows that count; nil: all
//
// KV[K, V] needs no form of its own: its Root is struct{key K, value V}.
package batch

import "math"

// MinTime and MaxTime bound event time, in µs: the range of a Parquet, Iceberg
// or Arrow timestamp[us], less room for windows at both ends to be computed
// without overflow. MinTime as a watermark says nothing is known yet; MaxTime
// that no more rows will come.
const (
	MinTime int64 = math.MinInt64 / 4
	MaxTime int64 = math.MaxInt64 / 4
)

// TargetRows is how many rows a reader aims at for one batch unless told otherwise.
const TargetRows = 8192

// Batch is a run of rows. See the package comment for its shape and Column for
// who owns the memory.
type Batch struct {
	Root *Column
	Time []int64 // one per physical row; nil when the rows carry no event time (all MinTime)

	// Start and End are the half-open window [Start, End) of each physical row,
	// in µs. Both are nil until a grouping step has put the rows into windows;
	// before that a row's windows follow from its time.
	Start, End []int64

	// Panes says which firing of its window each physical row comes from; nil
	// where windows fire once (see PaneAt).
	Panes []Pane

	// Retract marks rows that take back an earlier one. nil: every row is an insert.
	Retract []bool

	// Sel lists the physical rows that count, ascending; nil: all of them.
	Sel []int32
}

// Len returns the number of rows that count.
func (b *Batch) Len() int {
	if b.Sel != nil {
		return len(b.Sel)
	}
	return b.Root.Len
}

// Physical returns the number of rows in the vectors, selected or not.
func (b *Batch) Physical() int { return b.Root.Len }

// Row returns the physical row of the i-th row that counts.
func (b *Batch) Row(i int) int {
	if b.Sel != nil {
		return int(b.Sel[i])
	}
	return i
}

// TimeAt returns the event time of physical row i.
func (b *Batch) TimeAt(i int) int64 {
	if b.Time == nil {
		return MinTime
	}
	return b.Time[i]
}

// WithRoot returns a batch with the same rows, times, windows and selection and
// other columns.
func (b *Batch) WithRoot(root *Column) *Batch {
	c := *b
	c.Root = root
	return &c
}

// WithSel returns the batch restricted to sel, physical rows in ascending
// order. sel must be a subset of the present selection.
func (b *Batch) WithSel(sel []int32) *Batch {
	c := *b
	c.Sel = sel
	return &c
}

// Compact returns a batch without a selection, gathering the selected rows when
// there is one.
func (b *Batch) Compact() *Batch {
	if b.Sel == nil {
		return b
	}
	return b.Gather(b.Sel)
}

// Copy returns the rows that count in memory of their own, dictionaries excepted.
func (b *Batch) Copy() *Batch {
	rows := b.Sel
	if rows == nil {
		rows = make([]int32, b.Len())
		for i := range rows {
			rows[i] = int32(i)
		}
	}
	return b.Gather(rows)
}

// Gather returns a new dense batch of the given physical rows, in that order.
func (b *Batch) Gather(rows []int32) *Batch {
	return &Batch{
		Root:    b.Root.Gather(rows),
		Time:    gather(b.Time, rows),
		Start:   gather(b.Start, rows),
		End:     gather(b.End, rows),
		Panes:   gather(b.Panes, rows),
		Retract: gather(b.Retract, rows),
	}
}

// Slice returns rows [from, to) of those that count, sharing memory.
func (b *Batch) Slice(from, to int) *Batch {
	if b.Sel != nil {
		return b.WithSel(b.Sel[from:to:to])
	}
	if from == 0 && to == b.Root.Len {
		return b
	}
	return &Batch{
		Root:    b.Root.Slice(from, to),
		Time:    cut(b.Time, from, to),
		Start:   cut(b.Start, from, to),
		End:     cut(b.End, from, to),
		Panes:   cut(b.Panes, from, to),
		Retract: cut(b.Retract, from, to),
	}
}

// SizeBytes estimates the memory the batch holds. Of columns that it shares with
// batches of other rows it counts the part of its own selection.
func (b *Batch) SizeBytes() int64 {
	n := b.Root.SizeBytes() + int64(8*(len(b.Time)+len(b.Start)+len(b.End))+len(b.Retract)+paneBytes*len(b.Panes))
	if b.Sel != nil {
		n = n*int64(len(b.Sel))/int64(max(1, b.Root.Len)) + int64(4*len(b.Sel))
	}
	return n
}

func gather[T any](values []T, rows []int32) []T {
	if values == nil {
		return nil
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = values[r]
	}
	return out
}

func cut[T any](values []T, from, to int) []T {
	if values == nil {
		return nil
	}
	return values[from:to:to]
}
