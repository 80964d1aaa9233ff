package json

import (
	"errors"
	"math"
	"strconv"
	"unsafe"

	"github.com/leatflow/leat/sdk/batch"
)

// number is the text of a JSON number, taken apart far enough that most need
// not be looked at again.
type number struct {
	text     []byte
	negative bool
	whole    bool   // neither fraction nor exponent
	digits   uint64 // all digits as one integer, when there are at most 19
	count    int    // of digits, leading zeros included
	exponent int    // of ten by which digits is to be scaled
}

// number reads the number at the cursor: -12.5e3.
func (c *cursor) number() (n number, err error) {
	start := c.at
	n.whole = true
	if c.peek() == '-' {
		n.negative = true
		c.at++
	}
	first := c.at
	if c.digits(&n) == 0 || n.count > 1 && c.text[first] == '0' {
		return n, c.failAt(start, "%q is no number", clip(c.text[start:]))
	}
	if c.peek() == '.' {
		n.whole = false
		c.at++
		k := c.digits(&n)
		if k == 0 {
			return n, c.failAt(start, "%q is no number", clip(c.text[start:]))
		}
		n.exponent = -k
	}
	if b := c.peek(); b == 'e' || b == 'E' {
		n.whole = false
		if err := c.exponent(&n); err != nil {
			return n, c.failAt(start, "%q is no number", clip(c.text[start:]))
		}
	}
	n.text = c.text[start:c.at]
	return n, nil
}

var errNoDigits = errors.New("no digits")

func (c *cursor) exponent(n *number) error {
	c.at++
	minus := c.peek() == '-'
	if minus || c.peek() == '+' {
		c.at++
	}
	var e number
	if c.digits(&e) == 0 {
		return errNoDigits
	}
	power := 1 << 20 // far outside of any float
	if e.count <= 6 {
		power = int(e.digits)
	}
	if minus {
		power = -power
	}
	n.exponent += power
	return nil
}

// digits reads a run of digits and returns how many.
func (c *cursor) digits(n *number) int {
	start := c.at
	for c.at < len(c.text) {
		d := c.text[c.at] - '0'
		if d > 9 {
			break
		}
		n.digits = n.digits*10 + uint64(d) // wraps past 19 digits; count tells
		c.at++
	}
	n.count += c.at - start
	return c.at - start
}

// clip shortens text for an error message.
func clip(text []byte) []byte { return text[:min(len(text), 24)] }

// integer reads a number that fits an integer kind.
func (c *cursor) integer(kind batch.Kind) (int64, error) {
	if b := c.peek(); b != '-' && (b < '0' || b > '9') {
		return 0, c.want("a number")
	}
	if v, ok := c.short(kind); ok {
		return v, nil
	}
	start := c.at
	n, err := c.number()
	if err != nil {
		return 0, err
	}
	if !n.whole {
		return 0, c.failAt(start, "%s is not a whole number, as %s asks for", clip(n.text), kind)
	}
	v, ok := n.integer(kind)
	if !ok {
		return 0, c.failAt(start, "%s does not fit %s", clip(n.text), kind)
	}
	return v, nil
}

// short reads a whole number of at most 18 digits that fits, as nearly all are. On
// false the cursor has not moved, and integer finds out what it is.
func (c *cursor) short(kind batch.Kind) (int64, bool) {
	text, i := c.text, c.at
	negative := text[i] == '-'
	if negative {
		i++
	}
	first, v := i, int64(0)
	for ; i < len(text); i++ {
		d := text[i] - '0'
		if d > 9 || i == first+18 {
			break
		}
		v = v*10 + int64(d)
	}
	if i == first || text[first] == '0' && i > first+1 {
		return 0, false
	}
	if i < len(text) {
		if b := text[i]; b != ',' && b != '}' && b != ']' && b > ' ' {
			return 0, false // a fraction, an exponent, more digits or rubbish
		}
	}
	if negative {
		v = -v
	}
	if kind != batch.Int64 {
		low, high, ok := kind.Range()
		if !ok || v < low || v > high {
			return 0, false
		}
	}
	c.at = i
	return v, true
}

// integer returns a whole number as the 64 bits that an integer kind is kept in.
func (n *number) integer(kind batch.Kind) (int64, bool) {
	if n.count > 20 || n.count == 20 && n.overflows() {
		return 0, false
	}
	if kind == batch.Uint64 {
		return int64(n.digits), !n.negative || n.digits == 0
	}
	low, high, ok := kind.Range()
	if !ok { // Time
		low, high = batch.MinTime, batch.MaxTime
	}
	if n.negative {
		return -int64(n.digits), n.digits <= -uint64(low) // digits = 2^63 is its own negative
	}
	return int64(n.digits), n.digits <= uint64(high)
}

// overflows reports whether 20 digits pass 64 bits.
func (n *number) overflows() bool {
	text := n.text
	if n.negative {
		text = text[1:]
	}
	_, err := strconv.ParseUint(view(text), 10, 64)
	return err != nil
}

// float reads a number, or one of the three strings for what JSON has no number for.
func (c *cursor) float(kind batch.Kind) (float64, error) {
	b := c.peek()
	if b == '"' {
		return c.special()
	}
	if b != '-' && (b < '0' || b > '9') {
		return 0, c.want("a number")
	}
	start := c.at
	n, err := c.number()
	if err != nil {
		return 0, err
	}
	if v, ok := n.exact(); ok && kind == batch.Float64 {
		return v, nil
	}
	v, err := strconv.ParseFloat(view(n.text), kind.Bits())
	if err != nil {
		return 0, c.failAt(start, "%s does not fit %s", clip(n.text), kind)
	}
	return v, nil
}

// exact returns the number when digits and the power of ten are both exact
// float64s: then one multiplication or division rounds correctly (Clinger 1990).
func (n *number) exact() (float64, bool) {
	if n.count > 19 || n.digits > 1<<53 || n.exponent < -22 || n.exponent > 22 {
		return 0, false
	}
	v := float64(n.digits)
	if n.exponent < 0 {
		v /= powers[-n.exponent]
	} else {
		v *= powers[n.exponent]
	}
	if n.negative {
		v = -v
	}
	return v, true
}

var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// The strings that stand for floats without a JSON number.
const (
	nanText   = "NaN"
	plusText  = "Infinity"
	minusText = "-Infinity"
)

func (c *cursor) special() (float64, error) {
	start := c.at
	text, err := c.view()
	if err != nil {
		return 0, err
	}
	switch string(text) {
	case nanText:
		return math.NaN(), nil
	case plusText:
		return math.Inf(1), nil
	case minusText:
		return math.Inf(-1), nil
	}
	return 0, c.failAt(start, "want a number or one of \"NaN\", \"Infinity\", \"-Infinity\", got a string")
}

// view returns b as a string without copying, for the length of a call.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
