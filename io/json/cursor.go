package json

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// Error says what is wrong with a record: where in the row type, where in the
// line, and what was found.
type Error struct {
	Field  string // route.origin, tags[], or empty for the record itself
	Column int    // of the line, counting bytes from 1
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
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	switch {
	case e.Field == "":
		e.Field = name
	case e.Field[0] == '[':
		e.Field = name + e.Field
	default:
		e.Field = name + "." + e.Field
	}
	return e
}

// depthMax bounds how deep a value that is skipped may nest.
const depthMax = 10_000

// cursor is a position in the text of one record.
type cursor struct {
	text    []byte
	at      int
	scratch []byte // unescaped keys, times, base64
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
		return "the end of the line"
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
		return c.fail("%s follows the record; want one record a line", c.describe())
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

// key reads a field name and the colon behind it. The result is valid until the
// scratch is used again.
func (c *cursor) key() ([]byte, error) {
	if c.peek() != '"' {
		return nil, c.want("a field name")
	}
	name, err := c.view()
	if err != nil {
		return nil, err
	}
	c.space()
	if !c.take(':') {
		return nil, c.want("':' after a field name")
	}
	return name, nil
}

// view reads a string, without copying when it has neither escapes nor anything
// but ASCII.
func (c *cursor) view() ([]byte, error) {
	start := c.at + 1
	i := start
	for i < len(c.text) && plain[c.text[i]] {
		i++
	}
	if i < len(c.text) && c.text[i] == '"' {
		c.at = i + 1
		return c.text[start:i:i], nil
	}
	var err error
	c.scratch, err = c.string(c.scratch[:0])
	return c.scratch, err
}

// plain tells the bytes that stand for themselves in a string.
var plain = func() (t [256]bool) {
	for b := byte(0x20); b < utf8.RuneSelf; b++ {
		t[b] = b != '"' && b != '\\'
	}
	return t
}()

// string appends the string at the cursor to dst, unescaped.
func (c *cursor) string(dst []byte) ([]byte, error) {
	text := c.text
	i := c.at + 1
	for {
		start := i
		for i < len(text) && plain[text[i]] {
			i++
		}
		dst = append(dst, text[start:i]...)
		switch {
		case i == len(text):
			return dst, c.fail("the string does not end")
		case text[i] == '"':
			c.at = i + 1
			return dst, nil
		case text[i] == '\\':
			var ok bool
			if dst, i, ok = unescape(dst, text, i); !ok {
				return dst, c.failAt(i, "%q is no escape sequence", text[i:min(len(text), i+6)])
			}
		case text[i] < 0x20:
			return dst, c.failAt(i, "control character %#02x in a string; write it as \\u%04x", text[i], text[i])
		default:
			r, n := utf8.DecodeRune(text[i:]) // RuneError, 1 for a bad byte
			dst = utf8.AppendRune(dst, r)
			i += n
		}
	}
}

// unescape appends what the escape sequence at text[i] stands for and returns
// the position behind it.
func unescape(dst, text []byte, i int) ([]byte, int, bool) {
	if i+1 == len(text) {
		return dst, i, false
	}
	if text[i+1] != 'u' {
		b := escapes[text[i+1]]
		if b == 0 {
			return dst, i, false
		}
		return append(dst, b), i + 2, true
	}
	r, ok := hex4(text, i)
	if !ok {
		return dst, i, false
	}
	i += 6
	if utf16.IsSurrogate(r) {
		low, ok := hex4(text, i)
		if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
			return utf8.AppendRune(dst, pair), i + 6, true
		}
		r = utf8.RuneError // alone; what follows speaks for itself
	}
	return utf8.AppendRune(dst, r), i, true
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// hex4 returns the number in an escape sequence of the form \u12ab at text[i].
func hex4(text []byte, i int) (rune, bool) {
	if len(text) < i+6 || text[i] != '\\' || text[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, b := range text[i+2 : i+6] {
		switch {
		case b >= '0' && b <= '9':
			b -= '0'
		case b >= 'a' && b <= 'f':
			b -= 'a' - 10
		case b >= 'A' && b <= 'F':
			b -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(b)
	}
	return r, true
}

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
