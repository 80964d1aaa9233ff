package pages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/leatflow/leat/sdk/batch"
)

// decoder gives out the values of one page in order. Which of its parts is in
// use depends on the encoding.
type decoder struct {
	physical int
	length   int  // bytes of a fixed-length value
	strings  bool // the values are byte strings
	coded    bool // the values are codes into the dictionary
	encoding int32
	half     bool

	src    []byte  // plain values not given out yet; strings of the delta encodings
	pos    int     // of the next value in a byte-stream split or of the next bit
	total  int     // values of a byte-stream split
	hybrid hybrid  // codes, or booleans
	delta  *delta  // integers, or lengths of strings
	prefix *delta  // DELTA_BYTE_ARRAY: how much of the string before is shared
	last   []byte  // DELTA_BYTE_ARRAY: the string before
	wide   []int64 // room for lengths
}

var errValues = errors.New("ends before its last value")

// width returns the bytes of a plain value of fixed size, 0 for others.
func (d *decoder) width() int {
	switch d.physical {
	case physicalInt32, physicalFloat:
		return 4
	case physicalInt64, physicalDouble:
		return 8
	case physicalInt96:
		return 12
	case physicalFixed:
		return d.length
	}
	return 0
}

// openValues sets up the decoder of the page at hand for values encoded in b.
func (r *leafReader) openValues(encoding int32, b []byte) error {
	l := r.leaf
	old := r.values
	r.values = decoder{physical: l.physical, length: l.length, half: l.convert == fromHalf,
		strings: r.typ.Kind.Form() == batch.StringForm, encoding: encoding, src: b, wide: old.wide, last: old.last[:0]}
	d := &r.values
	var err error
	switch encoding {
	case encPlain:
	case encPlainDictionary, encDictionary:
		d.coded = true
		if len(b) == 0 {
			b = append(make([]byte, 0, padding), 0) // nulls only
		}
		d.hybrid, err = newHybrid(b[1:], uint(b[0]))
	case encRLE:
		if l.physical != physicalBool || len(b) < 4 {
			return d.unsupported()
		}
		n := binary.LittleEndian.Uint32(b)
		if uint64(n) > uint64(len(b)-4) {
			return errValues
		}
		d.hybrid, err = newHybrid(b[4:4+n], 1)
	case encDelta:
		if l.physical != physicalInt32 && l.physical != physicalInt64 {
			return d.unsupported()
		}
		d.delta, err = newDelta(b, l.physical == physicalInt32)
	case encDeltaLength, encDeltaStrings:
		if l.physical != physicalBytes && !(l.physical == physicalFixed && encoding == encDeltaStrings) {
			return d.unsupported()
		}
		err = d.openDeltaStrings(b)
	case encByteStreamSplit:
		w := d.width()
		if w == 0 || l.physical == physicalInt96 {
			return d.unsupported()
		}
		d.total = len(b) / w
	default:
		return d.unsupported()
	}
	return err
}

func (d *decoder) openDeltaStrings(b []byte) (err error) {
	if d.encoding == encDeltaStrings {
		if d.prefix, err = newDelta(b, true); err != nil {
			return err
		}
		if b, err = d.prefix.rest(); err != nil {
			return err
		}
	}
	if d.delta, err = newDelta(b, true); err != nil {
		return err
	}
	d.src, err = d.delta.rest()
	return err
}

func (d *decoder) unsupported() error {
	return fmt.Errorf("has the encoding %d for physical type %d, which is not supported", d.encoding, d.physical)
}

// codes fills dst with dictionary codes, all below size.
func (d *decoder) codes(dst []int32, size int) error {
	if err := d.hybrid.next(dst); err != nil {
		return err
	}
	last := int32(size - 1)
	var bad int32 // negative once a code is, or is above last
	for _, c := range dst {
		bad |= c | (last - c)
	}
	if bad < 0 {
		return fmt.Errorf("has a code beyond its dictionary of %d values", size)
	}
	return nil
}

// lookUp fills dst with dictionary values.
func lookUp[T any](d *decoder, dst, values []T, scratch []int32) error {
	if err := d.hybrid.next(scratch); err != nil {
		return err
	}
	dst = dst[:len(scratch)]
	for i, c := range scratch {
		if uint(c) >= uint(len(values)) {
			return fmt.Errorf("has the code %d into a dictionary of %d values", c, len(values))
		}
		dst[i] = values[c]
	}
	return nil
}

// plain takes n plain values of the decoder's width.
func (d *decoder) plain(n int) ([]byte, error) {
	size := n * d.width()
	if size > len(d.src) {
		return nil, errValues
	}
	b := d.src[:size]
	d.src = d.src[size:]
	return b, nil
}

// split gathers n byte-stream split values into plain ones.
func (d *decoder) split(n int) ([]byte, error) {
	if n > d.total-d.pos {
		return nil, errValues
	}
	w := d.width()
	out := make([]byte, n*w)
	for k := range w {
		stream := d.src[k*d.total+d.pos:]
		for i := range n {
			out[i*w+k] = stream[i]
		}
	}
	d.pos += n
	return out, nil
}

// fixed takes n values of fixed width, whichever way they are laid out.
func (d *decoder) fixed(n int) ([]byte, error) {
	switch d.encoding {
	case encPlain:
		return d.plain(n)
	case encByteStreamSplit:
		return d.split(n)
	}
	return nil, d.unsupported()
}

func (d *decoder) ints(dst []int64, dict *dictionary) error {
	if d.coded {
		return lookUp(d, dst, dict.ints, dict.scratch(len(dst)))
	}
	if d.delta != nil {
		return d.delta.next(dst)
	}
	b, err := d.fixed(len(dst))
	if err != nil {
		return err
	}
	switch d.physical {
	case physicalInt32:
		for i := range dst {
			dst[i] = int64(int32(binary.LittleEndian.Uint32(b[4*i:])))
		}
	case physicalInt64:
		words(dst, b)
	case physicalInt96:
		return julian(dst, b)
	}
	return nil
}

// julian decodes INT96 timestamps, nanoseconds of a Julian day, to microseconds.
func julian(dst []int64, b []byte) error {
	const epoch, dayMicros = 2_440_588, 86_400_000_000
	for i := range dst {
		nanos := int64(binary.LittleEndian.Uint64(b[12*i:]))
		day := int64(binary.LittleEndian.Uint32(b[12*i+8:])) - epoch
		if day < -maxDay || day > maxDay || nanos < 0 || nanos > 2*dayMicros*1000 {
			return fmt.Errorf("has a timestamp at day %d, %d ns, outside of what can be held", day, nanos)
		}
		dst[i] = day*dayMicros + nanos/1000
	}
	return nil
}

func (d *decoder) floats(dst []float64, dict *dictionary) error {
	if d.coded {
		return lookUp(d, dst, dict.floats, dict.scratch(len(dst)))
	}
	b, err := d.fixed(len(dst))
	if err != nil {
		return err
	}
	switch {
	case d.half:
		for i := range dst {
			dst[i] = halfToFloat(binary.LittleEndian.Uint16(b[2*i:]))
		}
	case d.physical == physicalFloat:
		for i := range dst {
			dst[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
		}
	default:
		words(dst, b)
	}
	return nil
}

func (d *decoder) bools(dst []bool) error {
	switch d.encoding {
	case encPlain:
		if len(dst) > len(d.src)*8-d.pos {
			return errValues
		}
		for i := range dst {
			at := d.pos + i
			dst[i] = d.src[at>>3]>>(at&7)&1 != 0
		}
		d.pos += len(dst)
		return nil
	case encRLE:
		var wide [256]int32
		for len(dst) > 0 {
			n := min(len(dst), len(wide))
			if err := d.hybrid.next(wide[:n]); err != nil {
				return err
			}
			for i, v := range wide[:n] {
				dst[i] = v&1 != 0
			}
			dst = dst[n:]
		}
		return nil
	}
	return d.unsupported()
}
