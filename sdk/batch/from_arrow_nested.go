package batch

import (
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// fromDictionary keeps a dictionary of text and resolves any other.
func fromDictionary(c *Column, d arrow.ArrayData, dt *arrow.DictionaryType) (*Column, error) {
	dict, ok := d.Dictionary().(*array.Data)
	if !ok || dict == nil {
		return nil, fmt.Errorf("a dictionary array without its dictionary")
	}
	valueType := *c.Type
	valueType.Nullable = true
	entries, err := fromArrow(dict, &valueType)
	if err != nil {
		return nil, fmt.Errorf("dictionary: %w", err)
	}
	if c.Valid.Count(c.Len) == 0 || c.Valid == nil && c.Len == 0 {
		return Nulls(c.Type, c.Len), nil // perhaps over an empty dictionary
	}
	codes, err := codesOfArrow(c, d, dt.IndexType, entries.Len)
	if err != nil {
		return nil, err
	}
	c.Valid = And(c.Valid, gatherBits(entries.Valid, codes), c.Len)
	if c.Type.Kind.Form() == StringForm && entries.Dict == nil {
		c.Codes, c.Dict = codes, &Dictionary{Strings: entries.Strings}
		return c, nil
	}
	out := entries.Gather(codes)
	out.Type, out.Valid = c.Type, c.Valid
	return out, nil
}

// codesOfArrow returns codes that are in bounds even under nulls, where Arrow
// allows anything.
func codesOfArrow(c *Column, d arrow.ArrayData, index arrow.DataType, entries int) ([]int32, error) {
	if !kindOfArrow(index.ID()).Integer() {
		return nil, fmt.Errorf("dictionary codes of type %s", index)
	}
	var codes []int32
	if index.ID() == arrow.INT32 {
		shared, err := values[int32](d, 1, 0)
		if err != nil {
			return nil, err
		}
		codes = shared
	} else {
		raw := array.NewData(index, d.Len(), d.Buffers()[:min(2, len(d.Buffers()))], nil, 0, d.Offset())
		wide, err := intsOfArrow(&Column{Type: &Type{Kind: Int64}, Len: c.Len, Valid: c.Valid}, raw, index)
		if err != nil {
			return nil, err
		}
		codes = make([]int32, len(wide))
		for i, v := range wide {
			codes[i] = int32(max(-1, min(v, math.MaxInt32)))
		}
	}
	owned := index.ID() != arrow.INT32
	for i, code := range codes {
		if uint(code) < uint(entries) {
			continue
		}
		if !c.Null(i) {
			return nil, fmt.Errorf("row %d has code %d, the dictionary has %d entries", i, code, entries)
		}
		if !owned {
			codes, owned = slices.Clone(codes), true
		}
		codes[i] = 0
	}
	return codes, nil
}

func listsOfArrow(c *Column, d arrow.ArrayData, dt arrow.DataType) error {
	if len(d.Children()) != 1 {
		return fmt.Errorf("a %s with %d children", dt, len(d.Children()))
	}
	inner := d.Children()[0]
	var err error
	switch dt := dt.(type) {
	case *arrow.LargeListType:
		large, lerr := values[int64](d, 1, 1)
		if lerr != nil {
			return lerr
		}
		offsets, from, to, lerr := rebased(large, inner.Len())
		if lerr != nil {
			return lerr
		}
		c.Offsets, inner = offsets, array.NewSliceData(inner, from, to)
	case *arrow.FixedSizeListType:
		each := int64(dt.Len())
		if each < 0 || int64(d.Offset()+d.Len())*each > int64(min(inner.Len(), maxStringData)) {
			return fmt.Errorf("%d elements for %d lists of %d", inner.Len(), d.Offset()+d.Len(), each)
		}
		c.Offsets = make([]int32, c.Len+1)
		for i := range c.Offsets {
			c.Offsets[i] = int32(int64(d.Offset()+i) * each)
		}
	default:
		c.Offsets, err = values[int32](d, 1, 1)
	}
	if err != nil {
		return err
	}
	if c.Type.Kind == Map {
		return entriesOfArrow(c, inner)
	}
	element, err := fromArrow(inner, c.Type.Fields[0].Type)
	c.Children = []*Column{element}
	return err
}

// entriesOfArrow takes key and value by position: Arrow leaves their names open.
func entriesOfArrow(c *Column, inner arrow.ArrayData) error {
	if inner.DataType().ID() != arrow.STRUCT || len(inner.Children()) != 2 {
		return fmt.Errorf("a map whose entries are %s", inner.DataType())
	}
	c.Children = make([]*Column, 2)
	for i := range c.Children {
		part, err := childRows(inner, i)
		if err != nil {
			return err
		}
		if c.Children[i], err = fromArrow(part, c.Type.Fields[i].Type); err != nil {
			return fmt.Errorf("%s: %w", c.Type.Fields[i].Name, err)
		}
	}
	if err := validateOffsets(c.Offsets, c.Len, min(c.Children[0].Len, c.Children[1].Len)); err != nil {
		return err
	}
	c.sortEntries()
	return nil
}

// sortEntries brings the entries of each map into key order, where they are not.
func (c *Column) sortEntries() {
	keys := c.Children[0]
	if c.Len == 0 || c.validateEntries() == nil {
		return
	}
	order := make([]int32, keys.Len)
	for i := range order {
		order[i] = int32(i)
	}
	for row := range c.Len {
		from, to := c.Range(row)
		slices.SortStableFunc(order[from:to], func(a, b int32) int { return compareKeys(keys, int(a), int(b)) })
	}
	for i, child := range c.Children {
		c.Children[i] = child.Slice(0, len(order)).Gather(order)
	}
}

// childRows returns the rows of a struct array in its child i, which has an
// offset of its own.
func childRows(d arrow.ArrayData, i int) (arrow.ArrayData, error) {
	child := d.Children()[i]
	if d.Offset()+d.Len() > child.Len() {
		return nil, fmt.Errorf("a struct of %d rows over a field of %d", d.Offset()+d.Len(), child.Len())
	}
	return array.NewSliceData(child, int64(d.Offset()), int64(d.Offset()+d.Len())), nil
}

func structOfArrow(c *Column, d arrow.ArrayData, dt arrow.DataType) error {
	fields := dt.(*arrow.StructType)
	c.Children = make([]*Column, len(c.Type.Fields))
	for k, f := range c.Type.Fields {
		i, ok := fields.FieldIdx(f.Name)
		if !ok || i >= len(d.Children()) {
			return fmt.Errorf("there is no field %s in %s", f.Name, dt)
		}
		part, err := childRows(d, i)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if c.Children[k], err = fromArrow(part, f.Type); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}
