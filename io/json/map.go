package json

import "github.com/leatflow/leat/sdk/batch"

// entries appends an object as a row of a map: keys and values in the columns
// below.
func (n *node) entries(c *cursor) error {
	start := c.at
	if !c.take('{') {
		return c.want("an object")
	}
	keys, values := n.children[0], n.children[1]
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
		if err = values.value(c); err != nil {
			return within(err, "[]")
		}
		if more, err = c.next('}'); err != nil {
			return err
		}
	}
	if !n.EndMap() {
		return c.failAt(start, "a key of the map occurs twice")
	}
	return nil
}

// name appends the key of a map entry, which stood at a given position.
func (n *node) name(c *cursor, at int, name []byte) error {
	if n.Type.Kind == batch.String {
		n.Bytes(name)
		return nil
	}
	number := cursor{text: name}
	v, err := number.integer(n.Type.Kind)
	if err == nil {
		err = number.end()
	}
	if err != nil {
		return c.failAt(at, "the key %q of the map is no %s", clip(name), n.Type)
	}
	n.Int(v)
	return nil
}
