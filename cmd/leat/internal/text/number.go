package text

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const hexLetters = "0123456789abcdef"

func hexDigits(b byte) string { return string([]byte{hexLetters[b>>4], hexLetters[b&15]}) }

func escapeRune(r rune) string {
	q := strconv.QuoteRune(r)
	return q[1 : len(q)-1]
}

// Count renders a number with commas: 3,000,000.
func Count[N int | int64 | uint64](n N) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Bytes renders a size: 13.5 MB.
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), -1
	for value >= 999.95 && unit < 4 {
		value /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTP"[unit])
}

// Share renders part of whole in percent, with enough digits that a small part
// is not shown as none.
func Share(part, whole int64) string {
	if part == 0 || whole <= 0 {
		return "0 %"
	}
	p := 100 * float64(part) / float64(whole)
	switch {
	case part == whole:
		return "100 %"
	case p < 0.01:
		return "<0.01 %"
	case p > 99.99:
		return ">99.99 %"
	}
	return fmt.Sprintf("%.2f %%", p)
}

// Span renders microseconds as a duration: 26h0m0s, or days when it is longer
// than a week.
func Span(micros int64) string {
	const day = 24 * 3600 * 1_000_000
	if micros < 7*day {
		return time.Duration(micros * 1000).String()
	}
	days := Count(micros / day)
	if rest := micros % day; rest > 0 {
		return days + "d" + strings.TrimSuffix(time.Duration(rest*1000).String(), "0s")
	}
	return days + "d"
}

// Number renders a float with a few digits, for differences.
func Number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprint(v)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
