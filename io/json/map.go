package json

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
)

// entries appends an object as a row of a map: keys and values in the columns
// below, brought into key order when the batch is complete.
func (n *node) entries(c *cursor) error {
	start := c.at
	if !c.take('{') {
		return c.want("an object")
	}
	keys, values := n.children[0], n.children[1]
	first := keys.rows
	more := c.peek() != '}'
	if !more {
		c.at++
	}
	for more {
		at := c.at
		name, err := c.key()
		if err != nil {
			return err
		}
		if err = keys.name(c, at, name); err != nil {
			return err
		}
		n.order = append(n.order, int32(keys.rows-1))
		if err = values.value(c); err != nil {
			return within(err, "[]")
		}
		if more, err = c.next('}'); err != nil {
			return err
		}
	}
	n.offsets = append(n.offsets, int32(keys.rows))
	if !n.sort(first) {
		return c.failAt(start, "a key of the map occurs twice")
	}
	return nil
}

// name appends the key of a map entry, which stood at a given position.
func (n *node) name(c *cursor, at int, name []byte) error {
	n.rows++
	if n.typ.Kind == batch.String {
		n.strings.Data = append(n.strings.Data, name...)
		n.endString()
		return nil
	}
	number := cursor{text: name}
	v, err := number.integer(n.typ.Kind)
	if err == nil {
		err = number.end()
	}
	if err != nil {
		return c.failAt(at, "the key %q of the map is no %s", clip(name), n.typ)
	}
	n.ints = append(n.ints, v)
	return nil
}

// sort puts the entries of a map from first on in key order, the order columns
// keep them in. It reports false when a key occurs twice.
func (n *node) sort(first int) bool {
	order := n.order[first:]
	compare := n.children[0].compare()
	if !slices.IsSortedFunc(order, compare) {
		slices.SortFunc(order, compare)
		n.shuffled = true
	}
	for i := 1; i < len(order); i++ {
		if compare(order[i-1], order[i]) == 0 {
			return false
		}
	}
	return true
}

// compare returns the order of a key column's rows.
func (n *node) compare() func(a, b int32) int {
	switch n.typ.Kind {
	case batch.String:
		return func(a, b int32) int { return bytes.Compare(n.strings.Bytes(int(a)), n.strings.Bytes(int(b))) }
	case batch.Uint64:
		return func(a, b int32) int { return cmp.Compare(uint64(n.ints[a]), uint64(n.ints[b])) }
	}
	return func(a, b int32) int { return cmp.Compare(n.ints[a], n.ints[b]) }
}
