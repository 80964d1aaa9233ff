package json

// depthMax bounds how deep a value that is skipped may nest.
const depthMax = 10_000

// skip moves over a value that nobody reads, checking only that it is one.
func (c *cursor) skip(depth int) error {
	if depth > depthMax {
		return c.fail("values nest deeper than %d", depthMax)
	}
	switch b := c.peek(); {
	case b == '"':
		_, err := c.view()
		return err
	case b == '-' || b >= '0' && b <= '9':
		_, err := c.number()
		return err
	case b == '{':
		return c.skipAll('}', depth)
	case b == '[':
		return c.skipAll(']', depth)
	case c.literal("true"), c.literal("false"), c.literal("null"):
		return nil
	}
	return c.want("a value")
}

// skipAll moves over an object or an array.
func (c *cursor) skipAll(closing byte, depth int) error {
	c.at++
	c.space()
	if c.peek() == closing {
		c.at++
		return nil
	}
	for more := true; more; {
		var err error
		if closing == '}' {
			if _, err = c.key(); err != nil {
				return err
			}
		}
		if err = c.skip(depth + 1); err != nil {
			return err
		}
		if more, err = c.next(closing); err != nil {
			return err
		}
	}
	return nil
}
