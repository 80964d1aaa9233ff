package connectortest

import (
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
)

// format renders the rows of a batch that count.
func format(b *batch.Batch) []string {
	out := make([]string, b.Len())
	for i := range out {
		out[i] = b.Root.Format(b.Row(i))
	}
	return out
}

// compare checks that batches together hold exactly the rows of want, in order.
func compare(want *batch.Column, got []*batch.Batch) error {
	row := 0
	for _, b := range got {
		for i := range b.Len() {
			if row >= want.Len {
				return fmt.Errorf("more than the %d rows wanted: %s", want.Len, b.Root.Format(b.Row(i)))
			}
			if !want.Equal(row, b.Root, b.Row(i)) {
				return fmt.Errorf("row %d: %w", row, differ(want, row, b.Root, b.Row(i)))
			}
			row++
		}
	}
	if row < want.Len {
		return fmt.Errorf("%d rows, want %d; the first that is missing is %s", row, want.Len, want.Format(row))
	}
	return nil
}

// differ says where two rows differ: the first field that does, in a struct.
func differ(want *batch.Column, row int, got *batch.Column, at int) error {
	if want.Type.Kind == batch.Struct && got.Type.Equal(want.Type) && !want.Null(row) && !got.Null(at) {
		for k, f := range want.Type.Fields {
			if !want.Children[k].Equal(row, got.Children[k], at) {
				return fmt.Errorf("field %s: %w", f.Name, differ(want.Children[k], row, got.Children[k], at))
			}
		}
	}
	return fmt.Errorf("it is %.200s, want %.200s", got.Format(at), want.Format(row))
}

// compareNeeded is compare by top-level columns: those that are not needed may
// be nil.
func compareNeeded(want *batch.Column, got []*batch.Batch, needed []bool) error {
	row := 0
	for _, b := range got {
		for i := range b.Len() {
			if row >= want.Len {
				return fmt.Errorf("more than the %d rows wanted", want.Len)
			}
			if err := compareFields(want, row, b.Root, b.Row(i), needed); err != nil {
				return err
			}
			row++
		}
	}
	if row < want.Len {
		return fmt.Errorf("%d rows, want %d", row, want.Len)
	}
	return nil
}

func compareFields(want *batch.Column, row int, got *batch.Column, at int, needed []bool) error {
	if want.Null(row) != got.Null(at) {
		return fmt.Errorf("row %d: it is %.200s, want %.200s", row, got.Format(at), want.Format(row))
	}
	for k, need := range needed {
		have := got.Children[k]
		if have == nil && !need || want.Null(row) {
			continue
		}
		if have == nil {
			return fmt.Errorf("field %s is needed and was not read", want.Type.Fields[k].Name)
		}
		if !want.Children[k].Equal(row, have, at) {
			return fmt.Errorf("row %d: field %s: %w", row, want.Type.Fields[k].Name, differ(want.Children[k], row, have, at))
		}
	}
	return nil
}
