package pages

import (
	"encoding/binary"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
)

// plainStrings appends the next n byte strings of the page to s.
func (d *decoder) plainStrings(s *batch.Strings, n int) error {
	switch {
	case d.encoding == encDeltaLength:
		return d.lengthStrings(s, n)
	case d.encoding == encDeltaStrings:
		return d.prefixStrings(s, n)
	case d.physical == physicalFixed:
		return d.fixedStrings(s, n)
	case d.encoding == encPlain:
		return d.prefixedStrings(s, n)
	}
	return d.unsupported()
}

// reserve makes room for n strings of size bytes altogether.
func reserve(s *batch.Strings, n, size int) (offsets []int32, data []byte, err error) {
	if len(s.Data)+size > stringBytesMax {
		return nil, nil, errStringBytes
	}
	if len(s.Offsets) == 0 {
		s.Offsets = make([]int32, 1, n+1)
	}
	return extend(&s.Offsets, n), extend(&s.Data, size), nil
}

// prefixedStrings reads PLAIN byte arrays: length, bytes, length, bytes, …
func (d *decoder) prefixedStrings(s *batch.Strings, n int) error {
	src, end := d.src, 0
	for range n {
		if len(src)-end < 4 {
			return errValues
		}
		size := uint64(binary.LittleEndian.Uint32(src[end:]))
		if size > uint64(len(src)-end-4) {
			return fmt.Errorf("has a string of %d bytes in a page with %d left", size, len(src)-end-4)
		}
		end += 4 + int(size)
	}
	offsets, data, err := reserve(s, n, end-4*n)
	if err != nil {
		return err
	}
	base, at := len(s.Data)-len(data), 0
	for i := range offsets {
		size := int(binary.LittleEndian.Uint32(src))
		batch.CopyText(data[at:], src[4:], size)
		at += size
		src = src[4+size:]
		offsets[i] = int32(base + at)
	}
	d.src = src
	return nil
}

func (d *decoder) fixedStrings(s *batch.Strings, n int) error {
	b, err := d.fixed(n)
	if err != nil {
		return err
	}
	offsets, data, err := reserve(s, n, len(b))
	if err != nil {
		return err
	}
	base := len(s.Data) - len(data)
	copy(data, b)
	for i := range offsets {
		offsets[i] = int32(base + (i+1)*d.length)
	}
	return nil
}

// lengths decodes the next n lengths of a delta encoding and sums them up.
func lengths(d *delta, dst []int64) (int64, error) {
	if err := d.next(dst); err != nil {
		return 0, err
	}
	var sum int64
	for _, n := range dst {
		if n < 0 {
			return 0, fmt.Errorf("has a string of length %d", n)
		}
		sum += n
	}
	return sum, nil
}

// lengthStrings reads DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes.
func (d *decoder) lengthStrings(s *batch.Strings, n int) error {
	if cap(d.wide) < 2*n {
		d.wide = make([]int64, 2*n)
	}
	sizes := d.wide[:n]
	total, err := lengths(d.delta, sizes)
	if err != nil {
		return err
	}
	if total > int64(len(d.src)) {
		return fmt.Errorf("has strings of %d bytes in a page with %d left", total, len(d.src))
	}
	offsets, data, err := reserve(s, n, int(total))
	if err != nil {
		return err
	}
	copy(data, d.src)
	d.src = d.src[total:]
	at := int64(len(s.Data)) - total
	for i, size := range sizes {
		at += size
		offsets[i] = int32(at)
	}
	return nil
}

// prefixStrings reads DELTA_BYTE_ARRAY: each string is a prefix of the one
// before and a suffix of its own. Prefixes can make a page of a few bytes stand
// for gigabytes, so the sum is known before room is made.
func (d *decoder) prefixStrings(s *batch.Strings, n int) error {
	if cap(d.wide) < 2*n {
		d.wide = make([]int64, 2*n)
	}
	prefixes, suffixes := d.wide[:n], d.wide[n:2*n]
	shared, err := lengths(d.prefix, prefixes)
	if err != nil {
		return err
	}
	own, err := lengths(d.delta, suffixes)
	if err != nil {
		return err
	}
	if own > int64(len(d.src)) || shared > pageMax {
		return fmt.Errorf("has strings of %d and %d bytes in a page with %d left", shared, own, len(d.src))
	}
	before := int64(len(d.last))
	for i, p := range prefixes {
		if p > before {
			return fmt.Errorf("has a string that shares %d bytes with one of %d", p, before)
		}
		before = p + suffixes[i]
	}
	offsets, data, err := reserve(s, n, int(shared+own))
	if err != nil {
		return err
	}
	base, at, last := len(s.Data)-len(data), 0, d.last
	for i, p := range prefixes {
		start := at
		at += copy(data[at:], last[:p])
		at += copy(data[at:], d.src[:suffixes[i]])
		d.src = d.src[suffixes[i]:]
		last = data[start:at]
		offsets[i] = int32(base + at)
	}
	d.last = append([]byte(nil), last...)
	return nil
}
