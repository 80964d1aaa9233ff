package pages

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/bitpack"
)

// delta decodes DELTA_BINARY_PACKED integers:
//
//	block size │ miniblocks │ count │ first value │ block*
//	block: smallest delta │ width of each miniblock │ deltas less the smallest, bit-packed
//
// src must have padding readable bytes behind its end.
type delta struct {
	src      []byte
	short    bool // 32-bit integers: sums wrap there
	left     int  // values left, including first
	first    bool // the next value is the one of the header
	last     int64
	smallest int64
	minis    int // miniblocks a block
	size     int // values a miniblock
	widths   []byte
	store    []int64 // room for a miniblock that does not fit dst
	buffer   []int64 // what of it was not given out yet
}

var errDelta = errors.New("ends inside a block of deltas")

func newDelta(src []byte, short bool) (*delta, error) {
	d := &delta{src: src, short: short, first: true}
	block, minis, count := d.uvarint(), d.uvarint(), d.uvarint()
	first, size := binary.Varint(d.src)
	if size <= 0 {
		return nil, errDelta
	}
	d.src = d.src[size:]
	if minis == 0 || minis > block || block%minis != 0 || block/minis%32 != 0 || block/minis > miniblockMax || minis > miniblockMax {
		return nil, fmt.Errorf("has delta blocks of %d values in %d miniblocks, which the format does not allow", block, minis)
	}
	d.left, d.last = int(min(count, 1<<40)), first
	d.minis, d.size = int(minis), int(block/minis)
	return d, nil
}

// uvarint returns 0 at the end of the bytes; callers check what follows.
func (d *delta) uvarint() uint64 {
	v, size := binary.Uvarint(d.src)
	if size <= 0 {
		d.src = nil
		return 0
	}
	d.src = d.src[size:]
	return v
}

// next fills dst.
func (d *delta) next(dst []int64) error {
	if len(dst) > d.left {
		return fmt.Errorf("has %d delta values left where %d are needed", d.left, len(dst))
	}
	d.left -= len(dst)
	if d.first && len(dst) > 0 {
		d.first = false
		if d.short {
			d.last = int64(int32(d.last))
		}
		dst[0] = d.last
		dst = dst[1:]
	}
	for len(dst) > 0 {
		if len(d.buffer) > 0 {
			n := copy(dst, d.buffer)
			dst, d.buffer = dst[n:], d.buffer[n:]
			continue
		}
		if len(dst) >= d.size {
			if err := d.miniblock(dst[:d.size]); err != nil {
				return err
			}
			dst = dst[d.size:]
			continue
		}
		if d.store == nil {
			d.store = make([]int64, d.size)
		}
		if err := d.miniblock(d.store); err != nil {
			return err
		}
		d.buffer = d.store
	}
	return nil
}

// miniblock decodes the next miniblock into dst. The last one of a page may be
// cut short behind its last value.
func (d *delta) miniblock(dst []int64) error {
	if len(d.widths) == 0 {
		smallest, size := binary.Varint(d.src)
		if size <= 0 || len(d.src)-size < d.minis {
			return errDelta
		}
		d.smallest = smallest
		d.widths, d.src = d.src[size:size+d.minis], d.src[size+d.minis:]
	}
	width := uint(d.widths[0])
	d.widths = d.widths[1:]
	if width > 64 {
		return fmt.Errorf("has deltas of %d bits", width)
	}
	bytes := int(width) * d.size / 8
	switch {
	case width == 0:
		clear(dst)
	case bytes <= len(d.src):
		bitpack.Unpack(dst, d.src, width)
		d.src = d.src[bytes:]
	default:
		whole := make([]byte, bytes+padding)
		copy(whole, d.src)
		bitpack.Unpack(dst, whole[:bytes], width)
		d.src = nil
	}
	last, smallest := d.last, d.smallest
	if d.short {
		for i, v := range dst {
			last = int64(int32(last + smallest + v))
			dst[i] = last
		}
	} else {
		for i, v := range dst {
			last += smallest + v
			dst[i] = last
		}
	}
	d.last = last
	return nil
}

// rest returns the bytes behind the deltas, without decoding them: strings lie
// there.
func (d *delta) rest() ([]byte, error) {
	src := d.src
	for left := d.left - 1; left > 0; {
		_, size := binary.Varint(src)
		if size <= 0 || len(src)-size < d.minis {
			return nil, errDelta
		}
		widths := src[size : size+d.minis]
		src = src[size+d.minis:]
		for _, w := range widths {
			if left <= 0 {
				break
			}
			bytes := int(w) * d.size / 8
			if bytes > len(src) {
				return nil, errDelta
			}
			src = src[bytes:]
			left -= d.size
		}
	}
	return src, nil
}
