package json

import (
	"unicode/utf16"
	"unicode/utf8"
)

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
