package batch

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
)

// Validate checks everything that code reading the column relies on: only the
// vectors of its form are used, lengths agree, offsets ascend and are in bounds,
// codes are in the dictionary, maps are sorted by key. Reading rows of a column
// that passes cannot go out of bounds. Columns made of foreign bytes must be
// validated before they are published. The cost is a pass over offsets and codes.
func Validate(c *Column) error {
	if c == nil {
		return errors.New("there is no column")
	}
	return validate(c, "column")
}

// validate checks a column; path names it in the error.
func validate(c *Column, path string) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
	}
	if c.Type == nil {
		return fail("it has no type")
	}
	form := c.Type.Kind.Form()
	if form == NoForm {
		return fail("kind %s is not one of a column", c.Type.Kind)
	}
	if c.Len < 0 || c.Len > maxStringData {
		return fail("length %d", c.Len)
	}
	if c.Valid != nil && len(c.Valid) < (c.Len+7)/8 {
		return fail("%d validity bytes for %d rows", len(c.Valid), c.Len)
	}
	if err := c.validateVectors(form); err != nil {
		return fail("%v", err)
	}
	var err error
	switch form {
	case StringForm:
		err = c.validateTexts()
	case ListForm:
		err = validateOffsets(c.Offsets, c.Len, maxStringData)
	}
	if err != nil {
		return fail("%v", err)
	}
	if err := c.validateChildren(path); err != nil {
		return err
	}
	if c.Type.Kind == Map {
		if err := c.validateEntries(); err != nil {
			return fail("%v", err)
		}
	}
	return nil
}

// validateVectors checks that exactly the vectors of the form are there.
func (c *Column) validateVectors(form Form) error {
	text := form == StringForm
	for _, v := range []struct {
		name   string
		have   int
		belong bool
	}{
		{"Ints", len(c.Ints), form == IntForm},
		{"Floats", len(c.Floats), form == FloatForm},
		{"Bools", len(c.Bools), form == BoolForm},
		{"Codes", len(c.Codes), text && c.Dict != nil},
	} {
		if v.belong && v.have != c.Len {
			return fmt.Errorf("%d values in %s for %d rows", v.have, v.name, c.Len)
		}
		if !v.belong && v.have != 0 {
			return fmt.Errorf("%s is used by a column of %s", v.name, c.Type)
		}
	}
	switch {
	case len(c.Offsets) != 0 && form != ListForm:
		return fmt.Errorf("Offsets is used by a column of %s", c.Type)
	case len(c.Strings.Offsets) != 0 && (!text || c.Dict != nil):
		return fmt.Errorf("Strings is used by a column of %s that is not plain text", c.Type)
	case c.Dict != nil && !text:
		return fmt.Errorf("Dict is used by a column of %s", c.Type)
	case len(c.Children) != 0 && form != ListForm && form != StructForm:
		return fmt.Errorf("Children is used by a column of %s", c.Type)
	}
	return nil
}

func (c *Column) validateTexts() error {
	if c.Dict == nil {
		return c.Strings.validate(c.Len)
	}
	n := c.Dict.Len()
	if err := c.Dict.validate(n); err != nil {
		return fmt.Errorf("dictionary: %w", err)
	}
	for i, code := range c.Codes {
		if uint(code) >= uint(n) {
			return fmt.Errorf("row %d has code %d, the dictionary has %d entries", i, code, n)
		}
	}
	return nil
}

func (s *Strings) validate(n int) error { return validateOffsets(s.Offsets, n, len(s.Data)) }

// validateOffsets checks the borders of n values in a vector of the given size.
func validateOffsets(offsets []int32, n, size int) error {
	if len(offsets) == 0 && n == 0 {
		return nil
	}
	if len(offsets) != n+1 {
		return fmt.Errorf("%d offsets for %d values", len(offsets), n)
	}
	before := int32(0)
	for i, o := range offsets {
		if o < before {
			return fmt.Errorf("offset %d is %d, below %d", i, o, before)
		}
		before = o
	}
	if int(before) > size {
		return fmt.Errorf("the last offset is %d, there are %d bytes", before, size)
	}
	return nil
}

func (c *Column) validateChildren(path string) error {
	form := c.Type.Kind.Form()
	want := len(c.Type.Fields)
	switch c.Type.Kind {
	case List:
		want = 1
	case Map:
		want = 2
	case Struct:
	default:
		want = 0
	}
	if len(c.Type.Fields) != want || len(c.Children) != want {
		return fmt.Errorf("%s: %d children, the type %s has %d", path, len(c.Children), c.Type.Kind, len(c.Type.Fields))
	}
	for i, child := range c.Children {
		if child == nil {
			continue
		}
		field := c.Type.Fields[i]
		name := path + "." + field.Name
		switch {
		case field.Type == nil || child.Type == nil || child.Type.Kind != field.Type.Kind:
			return fmt.Errorf("%s: it is %s, its parent says %s", name, child.Type, field.Type)
		case form == StructForm && child.Len != c.Len:
			return fmt.Errorf("%s: %d rows, its parent has %d", name, child.Len, c.Len)
		case form == ListForm && len(c.Offsets) > 0 && int(c.Offsets[c.Len]) > child.Len:
			return fmt.Errorf("%s: %d elements, the last offset is %d", name, child.Len, c.Offsets[c.Len])
		}
		if err := validate(child, name); err != nil {
			return err
		}
	}
	return nil
}

// validateEntries checks that the keys of each map ascend and are not null.
func (c *Column) validateEntries() error {
	keys := c.Children[0]
	if keys == nil {
		return nil
	}
	for row := range c.Len {
		if c.Null(row) {
			continue
		}
		from, to := c.Range(row)
		for i := from; i < to; i++ {
			if keys.Null(i) {
				return fmt.Errorf("row %d has a null key", row)
			}
			if i > from && compareKeys(keys, i-1, i) >= 0 {
				return fmt.Errorf("row %d: key %s is not above the one before, %s", row, keys.Format(i), keys.Format(i-1))
			}
		}
	}
	return nil
}

// compareKeys orders two rows of a column of map keys, as key bytes do. Kinds
// that cannot be a key in Go count as ascending.
func compareKeys(c *Column, i, j int) int {
	switch c.Type.Kind.Form() {
	case IntForm:
		if c.Type.Kind == Uint64 {
			return cmp.Compare(uint64(c.Ints[i]), uint64(c.Ints[j]))
		}
		return cmp.Compare(c.Ints[i], c.Ints[j])
	case BoolForm:
		return cmp.Compare(bit(c.Bools[i]), bit(c.Bools[j]))
	case StringForm:
		return bytes.Compare(c.Bytes(i), c.Bytes(j))
	}
	return -1
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
