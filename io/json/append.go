package json

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// appendTime writes microseconds since 1970 as RFC 3339 with six digits.
func appendTime(dst []byte, micros int64) []byte {
	if micros < firstTime || micros > lastTime {
		return strconv.AppendInt(dst, micros, 10)
	}
	at := time.UnixMicro(micros).UTC()
	year, month, day := at.Date()
	hour, minute, second := at.Clock()
	dst = append(dst, '"')
	dst = append(appendDigits(dst, year, 4), '-')
	dst = append(appendDigits(dst, int(month), 2), '-')
	dst = append(appendDigits(dst, day, 2), 'T')
	dst = append(appendDigits(dst, hour, 2), ':')
	dst = append(appendDigits(dst, minute, 2), ':')
	dst = append(appendDigits(dst, second, 2), '.')
	dst = appendDigits(dst, at.Nanosecond()/1000, 6)
	return append(dst, 'Z', '"')
}

// appendDigits writes v with leading zeros.
func appendDigits(dst []byte, v, width int) []byte {
	n := len(dst)
	dst = append(dst, "000000"[:width]...)
	for i := n + width - 1; i >= n; i-- {
		dst[i] += byte(v % 10)
		v /= 10
	}
	return dst
}

// appendFloat writes the shortest text that is read back as the same bits, in
// the form ECMAScript gives it, as encoding/json does.
func appendFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"`+nanText+`"`...)
	case math.IsInf(v, 1):
		return append(dst, `"`+plusText+`"`...)
	case math.IsInf(v, -1):
		return append(dst, `"`+minusText+`"`...)
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, v, format, -1, bits)
	if n := len(dst); format == 'e' && dst[n-3] == '-' && dst[n-2] == '0' { // e-07
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst
}

// appendString writes a quoted string. Bytes that are not UTF-8 become U+FFFD.
func appendString(dst, v []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(v); {
		start := i
		for i < len(v) && plain[v[i]] {
			i++
		}
		dst = append(dst, v[start:i]...)
		if i == len(v) {
			break
		}
		if v[i] >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(v[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		dst = appendEscape(dst, v[i])
		i++
	}
	return append(dst, '"')
}

const hexDigits = "0123456789abcdef"

func appendEscape(dst []byte, b byte) []byte {
	switch b {
	case '"', '\\':
		return append(dst, '\\', b)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
}
