package text

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/leatflow/leat/sdk/batch"
)

// AppendJSON appends a row of a column as JSON, mapped as io/json does: times as
// RFC 3339 with microseconds, bytes as base64, NaN and infinities as strings.
// Fields of a struct that were not read are left out.
func AppendJSON(dst []byte, c *batch.Column, row int) []byte {
	if c == nil || c.Null(row) {
		return append(dst, "null"...)
	}
	switch c.Type.Kind.Form() {
	case batch.IntForm:
		return appendInt(dst, c.Type.Kind, c.Ints[row])
	case batch.FloatForm:
		return appendFloat(dst, c.Floats[row], c.Type.Kind.Bits())
	case batch.BoolForm:
		return strconv.AppendBool(dst, c.Bools[row])
	case batch.StringForm:
		if c.Type.Kind == batch.Bytes {
			dst = base64.StdEncoding.AppendEncode(append(dst, '"'), c.Bytes(row))
			return append(dst, '"')
		}
		return appendString(dst, c.Text(row))
	case batch.ListForm:
		return appendList(dst, c, row)
	}
	dst = append(dst, '{')
	first := true
	for i, child := range c.Children {
		if child == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendString(dst, c.Type.Fields[i].Name), ':')
		dst = AppendJSON(dst, child, row)
	}
	return append(dst, '}')
}

func appendInt(dst []byte, k batch.Kind, v int64) []byte {
	switch k {
	case batch.Uint64:
		return strconv.AppendUint(dst, uint64(v), 10)
	case batch.Time:
		t := time.UnixMicro(v).UTC()
		if t.Year() < 0 || t.Year() > 9999 {
			break
		}
		dst = t.AppendFormat(append(dst, '"'), "2006-01-02T15:04:05.000000Z07:00")
		return append(dst, '"')
	}
	return strconv.AppendInt(dst, v, 10)
}

func appendFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, bits)
}

func appendList(dst []byte, c *batch.Column, row int) []byte {
	from, to := c.Range(row)
	if c.Type.Kind == batch.List {
		dst = append(dst, '[')
		for i := from; i < to; i++ {
			if i > from {
				dst = append(dst, ',')
			}
			dst = AppendJSON(dst, c.Children[0], i)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i := from; i < to; i++ {
		if i > from {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, c.Children[0].Format(i)), ':')
		dst = AppendJSON(dst, c.Children[1], i)
	}
	return append(dst, '}')
}

// appendString quotes s as JSON does; what is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < 0x20 || r == 0x7f:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexLetters[r>>4], hexLetters[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
