// Package diff compares two sets of rows, in whatever order each has them.
//
// The one central idea: rows that are equal cancel out by their hashes, 16 bytes
// a row, and only what is left is read again and looked at:
//
//	A ──hash──▶ 7 3 3 9 5 ─┐ sort, cancel   left in A: 5        read again ┐ group
//	B ──hash──▶ 3 9 3 7 6 ─┘ ─────────────▶ left in B: 6   ────────────────┘ by key
//
//	key k1   A: 5   B: 6    ▶ equal within the tolerance, or changed
//	key k2   A: 8           ▶ only in A
//
// The key of a row are the columns the user names; without such, all columns that
// hold no floats, so that the tolerance can work on the others. Rows with one key
// are matched as multisets: first those that are equal, then those within the
// tolerance, as many as possible, the rest in order of their values.
//
// Values. NaN equals NaN, −0 equals 0, null equals null. Floats a and b are equal
// when |a−b| ≤ t·max(1, |a|, |b|); infinities only equal themselves. Integers are
// compared across widths, floats too, strings with byte strings.
//
// Hashes are of 128 bits with a seed drawn anew for every run: that two rows that
// differ are taken for equal is as likely as guessing a key of that length. What
// is reported does not depend on the seed, nor on the order of rows.
package diff

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
)

// Input is one of the two sides: rows that can be read more than once.
type Input struct {
	// Type is a struct: the columns.
	Type *batch.Type
	// Guess says how sure the type of a column is; nil: all are Certain.
	Guess func(column string) Guess
	// Each reads all rows as columns of type t, which has columns of Type, perhaps
	// fewer, or of other types where these were guessed. f is called from up to
	// workers goroutines, each with its number.
	Each func(ctx context.Context, t *batch.Type, workers int, f func(worker int, rows *batch.Column) error) error
}

// Options say how to compare.
type Options struct {
	By        []string // key columns; nil: all columns without floats
	Columns   []string // columns to compare beside the key; nil: all
	Ignore    []string // columns to leave out
	Tolerance float64  // of floats, relative above 1 and absolute below
	Max       int      // how many differing rows of each sort to name

	// MemoryBytes bounds the rows that are held to be looked at; when there are
	// more, the inputs are read several times. Zero means 512 MB.
	MemoryBytes int64
	// Workers is the number of goroutines; zero means one a processor.
	Workers int
	// Phase, when not nil, is told what is done next.
	Phase func(string)
}

// Result is what was found.
type Result struct {
	Schema  []SchemaDifference `json:"schema"`
	Columns []ColumnResult     `json:"columns"`
	Key     []string           `json:"key"`
	RowsA   int64              `json:"rows_a"`
	RowsB   int64              `json:"rows_b"`
	Equal   int64              `json:"equal"`    // pairs of rows that are equal
	Within  int64              `json:"within"`   // pairs that are equal within the tolerance only
	Changed int64              `json:"changed"`  // pairs of one key with values that differ
	OnlyA   int64              `json:"only_a"`   // rows without a partner
	OnlyB   int64              `json:"only_b"`   //
	Repeats int64              `json:"repeated"` // keys of several rows, among those that differ

	FirstChanged []Change `json:"first_changed"` // in the order of their keys
	FirstOnlyA   []Row    `json:"first_only_a"`
	FirstOnlyB   []Row    `json:"first_only_b"`
}

// ColumnResult is what was found in one column.
type ColumnResult struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Changed is the number of changed rows in which the column differs.
	Changed int64 `json:"changed"`
	// Most is the largest |a−b| of a column of floats, over all pairs that are
	// not equal to the bit, those within the tolerance included.
	Most float64 `json:"most"`
}

// Cell is a value of a column, rendered.
type Cell struct {
	Column string `json:"column"`
	Value  string `json:"value"`
}

// Row is a row that only one side has.
type Row []Cell

// Change is a pair of rows that differ.
type Change struct {
	Key   []Cell        `json:"key"`
	Cells []ChangedCell `json:"cells"`
}

// ChangedCell is a value that differs.
type ChangedCell struct {
	Column string `json:"column"`
	A      string `json:"a"`
	B      string `json:"b"`
}

// Same reports whether both sides hold the same rows in the same columns. Types
// that can be compared do not count as a difference.
func (r *Result) Same() bool {
	for _, s := range r.Schema {
		if !s.Comparable {
			return false
		}
	}
	return r.Changed == 0 && r.OnlyA == 0 && r.OnlyB == 0
}

// Compare compares a with b.
func Compare(ctx context.Context, a, b Input, o Options) (*Result, error) {
	if o.Tolerance < 0 || o.Tolerance != o.Tolerance {
		return nil, fmt.Errorf("the tolerance is %v; it must be 0 or more", o.Tolerance)
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = 512 << 20
	}
	if o.Phase == nil {
		o.Phase = func(string) {}
	}
	plan, err := reconcile(a, b, &o)
	if err != nil {
		return nil, err
	}
	r := &Result{Schema: plan.differences, Columns: []ColumnResult{}, Key: plan.keyNames(),
		FirstChanged: []Change{}, FirstOnlyA: []Row{}, FirstOnlyB: []Row{}}
	for _, c := range plan.columns {
		r.Columns = append(r.Columns, ColumnResult{Name: c.name, Type: c.types[0].String()})
	}
	if len(plan.columns) == 0 {
		return r, nil // nothing in common: the schema says it all
	}
	run := &comparison{inputs: [2]Input{a, b}, plan: plan, options: o, seeds: newSeeds(), result: r}
	return r, run.run(ctx)
}

// comparison is one run of Compare.
type comparison struct {
	inputs  [2]Input
	plan    *plan
	options Options
	seeds   seeds
	result  *Result
}

func (c *comparison) run(ctx context.Context) error {
	var tallies [2]*tally
	for side, name := range []string{"reading A", "reading B"} {
		c.options.Phase(name)
		var err error
		if tallies[side], err = c.count(ctx, side); err != nil {
			return err
		}
	}
	c.result.RowsA, c.result.RowsB = tallies[0].rows, tallies[1].rows
	rowBytes := max(tallies[0].rowBytes(), tallies[1].rowBytes()) + entryBytes
	c.options.Phase("cancelling equal rows")
	left := cancel(tallies, c.options.Workers)
	c.result.Equal = c.result.RowsA - left[0].rows
	if left[0].rows+left[1].rows == 0 {
		return ctx.Err()
	}
	tallies = [2]*tally{} // free the hashes
	parts := int(((left[0].rows+left[1].rows)*rowBytes)/c.options.MemoryBytes) + 1
	p := newPairing(c.plan, &c.options, c.result)
	for part := range parts {
		c.options.Phase(partName(part, parts))
		var kept [2]*kept
		for side := range kept {
			var err error
			if kept[side], err = c.collect(ctx, side, left[side], part, parts); err != nil {
				return err
			}
		}
		if err := p.pair(ctx, kept); err != nil {
			return err
		}
	}
	p.finish()
	return nil
}

func partName(part, parts int) string {
	if parts == 1 {
		return "looking at the rows that differ"
	}
	return fmt.Sprintf("looking at the rows that differ, part %d of %d", part+1, parts)
}

// chosen reports whether a column is to be compared.
func (o *Options) chosen(name string) bool {
	if slices.Contains(o.By, name) {
		return true
	}
	return (len(o.Columns) == 0 || slices.Contains(o.Columns, name)) && !slices.Contains(o.Ignore, name)
}

func (o *Options) check() error {
	var errs []error
	for i, name := range o.By {
		if slices.Contains(o.By[:i], name) {
			errs = append(errs, fmt.Errorf("key column %q is named twice", name))
		}
		if slices.Contains(o.Ignore, name) {
			errs = append(errs, fmt.Errorf("column %q cannot be both a key and ignored", name))
		}
	}
	return errors.Join(errs...)
}
