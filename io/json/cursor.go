package json

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/leatflow/leat/sdk/connector/message/columns"
)

// Error says what is wrong with a record: where in the row type, where in the
// line, and what was found.
type Error struct {
	Field  string // route.origin, tags[], or empty for the record itself
	Column int    // of the line or payload, counting bytes from 1
	Reason string
}

// Error renders all three.
func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s (column %d)", e.Reason, e.Column)
	}
	return fmt.Sprintf("field %s: %s (column %d)", e.Field, e.Reason, e.Column)
}

// within puts the name of an enclosing field before the one in err.
func within(err error, name string) error {
	if e, ok := err.(*Error); ok {
		e.Field = columns.Path(name, e.Field)
	}
	return err
}

// cursor is a position in the text of one record.
type cursor struct {
	text    []byte
	at      int
	scratch []byte // unescaped keys, times, base64
	payload bool   // the text is the payload of a message, not a line of a file
}

// record names the text for messages.
func (c *cursor) record() string {
	if c.payload {
		return "payload"
	}
	return "line"
}

func (c *cursor) failAt(at int, format string, args ...any) error {
	return &Error{Column: at + 1, Reason: fmt.Sprintf(format, args...)}
}

func (c *cursor) fail(format string, args ...any) error { return c.failAt(c.at, format, args...) }

// peek returns the byte at the cursor, and 0, which no JSON holds outside of
// strings, at the end.
func (c *cursor) peek() byte {
	if c.at < len(c.text) {
		return c.text[c.at]
	}
	return 0
}

// space moves over white space, of which there mostly is none.
func (c *cursor) space() {
	if c.at < len(c.text) && c.text[c.at] <= ' ' {
		c.spaces()
	}
}

func (c *cursor) spaces() {
	for c.at < len(c.text) {
		switch c.text[c.at] {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return
		}
	}
}

// take moves over b, and white space behind it, when b is next.
func (c *cursor) take(b byte) bool {
	if c.peek() != b || b == 0 {
		return false
	}
	c.at++
	c.space()
	return true
}

// want is the error for a value of another kind than the row type asks for.
func (c *cursor) want(what string) error {
	return c.fail("want %s, got %s", what, c.describe())
}

// describe names what is at the cursor.
func (c *cursor) describe() string {
	switch b := c.peek(); {
	case c.at == len(c.text):
		return "the end of the " + c.record()
	case b == '{':
		return "an object"
	case b == '[':
		return "an array"
	case b == '"':
		return "a string"
	case b == '-' || b >= '0' && b <= '9':
		return "a number"
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(c.text[c.at:], []byte(word)) {
			return word
		}
	}
	r, _ := utf8.DecodeRune(c.text[c.at:])
	return fmt.Sprintf("%q", r)
}

// literal moves over word when it is next.
func (c *cursor) literal(word string) bool {
	if !bytes.HasPrefix(c.text[c.at:], []byte(word)) {
		return false
	}
	c.at += len(word)
	return true
}

// end checks that nothing follows the value.
func (c *cursor) end() error {
	c.space()
	if c.at < len(c.text) {
		return c.fail("%s follows the record; want one record a %s", c.describe(), c.record())
	}
	return nil
}

// next moves over the comma between elements, reporting false at the closing
// bracket.
func (c *cursor) next(closing byte) (bool, error) {
	c.space()
	if c.take(',') {
		return true, nil
	}
	if c.peek() == closing {
		c.at++
		return false, nil
	}
	return false, c.want(fmt.Sprintf("',' or '%c'", closing))
}
