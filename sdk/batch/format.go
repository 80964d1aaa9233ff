package batch

import (
	"encoding/hex"
	"strconv"
	"time"
)

// Format renders a row for people: times as RFC 3339 with microseconds, null as
// null, bytes in hex, structs and maps as {origin: "ATL", delay: 7}. A string on
// its own is not quoted, inside another value it is. A column that was not read
// is shown as "unread".
func (c *Column) Format(row int) string {
	if c != nil && c.Type.Kind == String && !c.Null(row) {
		return string(c.Bytes(row))
	}
	return string(c.appendFormat(nil, row))
}

const timeFormat = "2006-01-02T15:04:05.000000Z07:00"

func (c *Column) appendFormat(dst []byte, row int) []byte {
	switch {
	case c == nil:
		return append(dst, "unread"...)
	case c.Null(row):
		return append(dst, "null"...)
	}
	switch c.Type.Kind.Form() {
	case IntForm:
		return c.appendInt(dst, c.Ints[row])
	case FloatForm:
		return strconv.AppendFloat(dst, c.Floats[row], 'g', -1, c.Type.Kind.Bits())
	case BoolForm:
		return strconv.AppendBool(dst, c.Bools[row])
	case StringForm:
		if c.Type.Kind == Bytes {
			return hex.AppendEncode(append(dst, "0x"...), c.Bytes(row))
		}
		return strconv.AppendQuote(dst, c.Text(row))
	case ListForm:
		return c.appendList(dst, row)
	}
	dst = append(dst, '{')
	for i, child := range c.Children {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(append(dst, c.Type.Fields[i].Name...), ": "...)
		dst = child.appendFormat(dst, row)
	}
	return append(dst, '}')
}

func (c *Column) appendInt(dst []byte, v int64) []byte {
	switch c.Type.Kind {
	case Time:
		return time.UnixMicro(v).UTC().AppendFormat(dst, timeFormat)
	case Uint64:
		return strconv.AppendUint(dst, uint64(v), 10)
	}
	return strconv.AppendInt(dst, v, 10)
}

func (c *Column) appendList(dst []byte, row int) []byte {
	open, end := byte('['), byte(']')
	if c.Type.Kind == Map {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	from, to := c.Range(row)
	for i := from; i < to; i++ {
		if i > from {
			dst = append(dst, ", "...)
		}
		dst = c.Children[0].appendFormat(dst, i)
		if c.Type.Kind == Map {
			dst = c.Children[1].appendFormat(append(dst, ": "...), i)
		}
	}
	return append(dst, end)
}
