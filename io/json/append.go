package json

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// appendTime writes microseconds since 1970 as RFC 3339 with six digits.
func appendTime(dst []byte, micros int64) []byte {
	if micros < firstTime || micros > lastTime {
		return strconv.AppendInt(dst, micros, 10)
	}
	day := micros / microsPerDay
	if day*microsPerDay > micros {
		day--
	}
	inDay := micros - day*microsPerDay
	second := uint(inDay / microsPerSecond)
	year, month, date := date(int(day))
	dst = append(dst, `"0000-00-00T00:00:00.000000Z"`...)
	text := dst[len(dst)-len(`"0000-00-00T00:00:00.000000Z"`):]
	putTwo(text, 1, uint(year)/100)
	putTwo(text, 3, uint(year)%100)
	putTwo(text, 6, month)
	putTwo(text, 9, date)
	putTwo(text, 12, second/3600)
	putTwo(text, 15, second/60%60)
	putTwo(text, 18, second%60)
	fraction := uint(inDay % microsPerSecond)
	putTwo(text, 21, fraction/10_000)
	putTwo(text, 23, fraction/100%100)
	putTwo(text, 25, fraction%100)
	return dst
}

// putTwo writes two digits.
func putTwo(text []byte, at int, v uint) {
	text[at], text[at+1] = byte('0'+v/10), byte('0'+v%10)
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
