package json

import (
	"bytes"
	"encoding/base64"

	"github.com/leatflow/leat/sdk/batch"
)

// value appends the value at the cursor as the next row. On error the column,
// and those below it, may hold parts of the row: see columns.Builder.Settle.
func (n *node) value(c *cursor) (err error) {
	if c.peek() == 'n' && c.literal("null") {
		return n.null(c)
	}
	switch n.kind {
	case batch.Struct:
		err = n.fields(c)
		n.EndStruct()
	case batch.List:
		err = n.list(c)
	case batch.Map:
		err = n.entries(c)
	case batch.String:
		err = n.text(c)
	case batch.Bytes:
		err = n.base64(c)
	case batch.Bool:
		err = n.bool(c)
	case batch.Float32, batch.Float64:
		var v float64
		v, err = c.float(n.kind)
		n.Float(v)
	case batch.Time:
		var v int64
		v, err = c.time()
		n.Int(v)
	default:
		var v int64
		v, err = c.integer(n.kind)
		n.Int(v)
	}
	return err
}

// null appends what null stands for in this column.
func (n *node) null(c *cursor) error {
	if !n.Type.Nullable && n.Type.Kind.Form() != batch.ListForm {
		return c.failAt(c.at-len("null"), "null, but the row type has %s, which is never null", n.Type)
	}
	n.Null()
	return nil
}

// absent appends what a field that the object lacks stands for.
func (n *node) absent(c *cursor) error {
	if !n.Type.Nullable {
		return c.fail("the field is missing, and %s is never null", n.Type)
	}
	n.Null()
	return nil
}

func (n *node) text(c *cursor) (err error) {
	if c.peek() != '"' {
		return c.want("a string")
	}
	n.Strings.Data, err = c.string(n.Strings.Data)
	n.EndString()
	return err
}

func (n *node) base64(c *cursor) error {
	if c.peek() != '"' {
		return c.want("a string of base64")
	}
	start := c.at
	text, err := c.view()
	if err != nil {
		return err
	}
	if n.Strings.Data, err = base64.StdEncoding.AppendDecode(n.Strings.Data, text); err != nil {
		return c.failAt(start, "the string is not base64: %v", err)
	}
	n.EndString()
	return nil
}

func (n *node) bool(c *cursor) error {
	switch {
	case c.literal("true"):
		n.Bool(true)
	case c.literal("false"):
		n.Bool(false)
	default:
		return c.want("true or false")
	}
	return nil
}

func (n *node) fields(c *cursor) error {
	start := c.at
	if !c.take('{') {
		err := c.want("an object")
		if c.peek() == '[' && start == 0 {
			err.(*Error).Reason += "; write one object a " + c.record() + ", without an array around them"
		}
		return err
	}
	n.object++
	more := c.peek() != '}'
	if !more {
		c.at++
	}
	for expected := 0; more; {
		i, err := n.field(c, expected)
		if err != nil {
			return err
		}
		if i >= 0 {
			expected = i + 1
			err = n.child(c, i)
		} else {
			err = c.skip(0)
		}
		if err == nil {
			expected, err = n.inOrder(c, expected)
		}
		if err != nil {
			return err
		}
		if more, err = c.next('}'); err != nil {
			return err
		}
	}
	return n.fillAbsent(c)
}

// inOrder reads fields as long as they are those of the row type in its order and
// nothing is between them, which is what most writers put. It returns which field
// would be next.
func (n *node) inOrder(c *cursor, expected int) (int, error) {
	for expected < len(n.commas) && bytes.HasPrefix(c.text[c.at:], n.commas[expected]) {
		at := c.at + 1
		c.at += len(n.commas[expected])
		c.space()
		if err := n.once(c, at, expected); err != nil {
			return expected, err
		}
		if err := n.child(c, expected); err != nil {
			return expected, err
		}
		expected++
	}
	return expected, nil
}

// field reads a field name and returns the child it names, -1 for none. Writers
// keep an order, so the child after the last one is tried first, with its colon.
func (n *node) field(c *cursor, expected int) (int, error) {
	at := c.at
	if expected < len(n.labels) && bytes.HasPrefix(c.text[at:], n.labels[expected]) {
		c.at += len(n.labels[expected])
		c.space()
		return expected, n.once(c, at, expected)
	}
	name, err := c.key()
	if err != nil {
		return -1, err
	}
	i, known := n.names[string(name)]
	if known {
		return i, n.once(c, at, i)
	}
	if n.refuse {
		return -1, within(c.failAt(at, "the row type has no such field"), string(name))
	}
	return -1, nil
}

// once notes that child i has occurred in the object, and refuses a second time.
func (n *node) once(c *cursor, at, i int) error {
	if n.seen[i] == n.object {
		return within(c.failAt(at, "the field occurs twice"), n.Type.Fields[i].Name)
	}
	n.seen[i] = n.object
	return nil
}

func (n *node) child(c *cursor, i int) error {
	child := n.children[i]
	if child.Unread {
		return c.skip(0)
	}
	if err := child.value(c); err != nil {
		return within(err, n.Type.Fields[i].Name)
	}
	return nil
}

func (n *node) fillAbsent(c *cursor) error {
	for i, child := range n.children {
		if n.seen[i] == n.object || child.Unread {
			continue
		}
		if err := child.absent(c); err != nil {
			return within(err, n.Type.Fields[i].Name)
		}
	}
	return nil
}

func (n *node) list(c *cursor) error {
	if !c.take('[') {
		return c.want("an array")
	}
	element := n.children[0]
	more := c.peek() != ']'
	if !more {
		c.at++
	}
	for more {
		err := element.value(c)
		if err != nil {
			return within(err, "[]")
		}
		if more, err = c.next(']'); err != nil {
			return err
		}
	}
	n.EndList()
	return nil
}
