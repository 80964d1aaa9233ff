package batch

import (
	"fmt"
	"slices"
)

// Concat returns the rows of columns of one type, one column after the other. A
// dictionary is kept when all columns share it; otherwise strings become plain,
// since two dictionaries have different codes for one value. Columns that were
// not read (nil) must be so in all, and give nil; so does an empty list.
//
// The strings of a column together must stay below 2 GiB, as in any column: who
// collects batches bounds their SizeBytes.
func Concat(cols []*Column) *Column {
	if len(cols) == 0 {
		return nil
	}
	unread, rows := 0, 0
	for _, c := range cols {
		if c == nil {
			unread++
			continue
		}
		rows += c.Len
	}
	switch {
	case unread == len(cols):
		return nil
	case unread > 0:
		panic(fmt.Sprintf("batch: %d of %d columns to concatenate were not read, the others were", unread, len(cols)))
	case len(cols) == 1:
		return cols[0]
	}
	out := &Column{Type: cols[0].Type, Len: rows, Valid: concatBits(cols, rows)}
	switch out.Type.Kind.Form() {
	case IntForm:
		out.Ints = concat(cols, rows, func(c *Column) []int64 { return c.Ints })
	case FloatForm:
		out.Floats = concat(cols, rows, func(c *Column) []float64 { return c.Floats })
	case BoolForm:
		out.Bools = concat(cols, rows, func(c *Column) []bool { return c.Bools })
	case StringForm:
		concatTexts(out, cols)
	case ListForm:
		concatLists(out, cols)
	case StructForm:
		out.Children = make([]*Column, len(cols[0].Children))
		for i := range out.Children {
			out.Children[i] = Concat(children(cols, i))
		}
	}
	return out
}

func concat[T any](cols []*Column, rows int, values func(*Column) []T) []T {
	out := make([]T, 0, rows)
	for _, c := range cols {
		out = append(out, values(c)...)
	}
	return out
}

func children(cols []*Column, i int) []*Column {
	out := make([]*Column, len(cols))
	for k, c := range cols {
		out[k] = c.Children[i]
	}
	return out
}

func concatBits(cols []*Column, rows int) Bitmap {
	nullable := false
	for _, c := range cols {
		nullable = nullable || c.Valid != nil
	}
	if !nullable {
		return nil
	}
	out := NewBitmap(rows)
	at := 0
	for _, c := range cols {
		for i := range c.Len {
			if !c.Null(i) {
				out.Set(at + i)
			}
		}
		at += c.Len
	}
	return out
}

func concatTexts(out *Column, cols []*Column) {
	shared, size := cols[0].Dict, 0
	for _, c := range cols {
		if c.Dict != shared {
			shared = nil
		}
	}
	if shared != nil {
		out.Dict = shared
		out.Codes = concat(cols, out.Len, func(c *Column) []int32 { return c.Codes })
		return
	}
	plain := make([]*Column, len(cols))
	for k, c := range cols {
		plain[k] = c.Plain()
		size += plain[k].Strings.span()
	}
	if size > maxStringData {
		panic(fmt.Sprintf("batch: %d bytes of text do not fit one column, which holds 2 GiB", size))
	}
	s := Strings{Offsets: make([]int32, 1, out.Len+1), Data: make([]byte, 0, size)}
	for _, c := range plain {
		if c.Len == 0 {
			continue
		}
		from, to := c.Strings.Offsets[0], c.Strings.Offsets[c.Len]
		shift := int32(len(s.Data)) - from
		s.Data = append(s.Data, c.Strings.Data[from:to]...)
		for _, end := range c.Strings.Offsets[1 : c.Len+1] {
			s.Offsets = append(s.Offsets, end+shift)
		}
	}
	out.Strings = s
}

// span returns the number of bytes between the first and the last value.
func (s *Strings) span() int {
	if len(s.Offsets) == 0 {
		return 0
	}
	return int(s.Offsets[len(s.Offsets)-1] - s.Offsets[0])
}

func concatLists(out *Column, cols []*Column) {
	out.Offsets = make([]int32, 1, out.Len+1)
	inner := make([]*Column, len(cols))
	from, to, total := make([]int, len(cols)), make([]int, len(cols)), 0
	for k, c := range cols {
		if c.Len == 0 {
			continue
		}
		from[k], to[k] = int(c.Offsets[0]), int(c.Offsets[c.Len])
		if total += to[k] - from[k]; total > maxStringData {
			panic(fmt.Sprintf("batch: %d elements do not fit one list column, which holds 2^31", total))
		}
		shift := out.Offsets[len(out.Offsets)-1] - c.Offsets[0]
		for _, end := range c.Offsets[1 : c.Len+1] {
			out.Offsets = append(out.Offsets, end+shift)
		}
	}
	out.Children = make([]*Column, len(cols[0].Children))
	for i := range out.Children {
		for k, c := range cols {
			inner[k] = c.Children[i].Slice(from[k], to[k])
		}
		out.Children[i] = Concat(inner)
	}
}

// ConcatBatches returns the rows that count of batches of one stream, one batch
// after the other, without a selection; nil for none. Rows without event time
// get MinTime when others have one.
func ConcatBatches(batches []*Batch) *Batch {
	if len(batches) == 0 {
		return nil
	}
	if len(batches) == 1 {
		return batches[0].Compact()
	}
	dense, roots, rows := make([]*Batch, len(batches)), make([]*Column, len(batches)), 0
	for i, b := range batches {
		dense[i] = b.Compact()
		roots[i] = dense[i].Root
		rows += dense[i].Len()
	}
	return &Batch{
		Root:    Concat(roots),
		Time:    concatRows(dense, rows, MinTime, func(b *Batch) []int64 { return b.Time }),
		Start:   concatRows(dense, rows, MinTime, func(b *Batch) []int64 { return b.Start }),
		End:     concatRows(dense, rows, MaxTime, func(b *Batch) []int64 { return b.End }),
		Panes:   concatPanes(dense, rows),
		Retract: concatRows(dense, rows, false, func(b *Batch) []bool { return b.Retract }),
	}
}

// concatRows fills in absent where only some of the batches have the vector.
func concatRows[T any](batches []*Batch, rows int, absent T, values func(*Batch) []T) []T {
	present := false
	for _, b := range batches {
		present = present || values(b) != nil
	}
	if !present {
		return nil
	}
	out := make([]T, 0, rows)
	for _, b := range batches {
		if v := values(b); v != nil {
			out = append(out, v...)
			continue
		}
		for range b.Len() {
			out = append(out, absent)
		}
	}
	return out
}

// concatPanes fills in what PaneAt says where only some of the batches have panes.
func concatPanes(batches []*Batch, rows int) []Pane {
	if !slices.ContainsFunc(batches, func(b *Batch) bool { return b.Panes != nil }) {
		return nil
	}
	out := make([]Pane, 0, rows)
	for _, b := range batches {
		for i := range b.Len() {
			out = append(out, b.PaneAt(i))
		}
	}
	return out
}

// Plain returns the column with its strings held by itself instead of by a
// dictionary, for a StringForm column; others are returned as they are.
func (c *Column) Plain() *Column {
	if c == nil || c.Dict == nil {
		return c
	}
	size := 0
	for i, code := range c.Codes {
		if !c.Null(i) {
			size += int(c.Dict.Offsets[code+1] - c.Dict.Offsets[code])
		}
	}
	if size > maxStringData {
		panic(fmt.Sprintf("batch: %d bytes of text do not fit one column, which holds 2 GiB", size))
	}
	s := Strings{Offsets: make([]int32, c.Len+1), Data: make([]byte, 0, size)}
	for i, code := range c.Codes {
		if !c.Null(i) {
			s.Data = append(s.Data, c.Dict.Bytes(int(code))...)
		}
		s.Offsets[i+1] = int32(len(s.Data))
	}
	return &Column{Type: c.Type, Len: c.Len, Valid: c.Valid, Strings: s}
}
