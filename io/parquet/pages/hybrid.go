package pages

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/bitpack"
)

// hybrid decodes the format's mix of runs and bit-packed groups of eight, in
// which levels, dictionary codes and some booleans are stored:
//
//	varint n: n even ─▶ a run of n/2 equal values, the value in ⌈width/8⌉ bytes
//	          n odd  ─▶ n/2 groups of 8 values, each width bits
//
// src must have padding readable bytes behind its end.
type hybrid struct {
	src   []byte
	width uint

	run   int // values left of a run
	value int32

	packed int    // values left of bit-packed groups
	bits   []byte // from the group that holds the next value
	skip   int    // values of that group already given out
}

var errLevels = errors.New("ends before its last value")

func newHybrid(src []byte, width uint) (hybrid, error) {
	if width > 32 {
		return hybrid{}, fmt.Errorf("has values of %d bits; at most 32 are allowed", width)
	}
	return hybrid{src: src, width: width}, nil
}

// header reads the next run's header.
func (h *hybrid) header() error {
	if len(h.src) == 0 {
		return errLevels
	}
	n, size := uint64(h.src[0]), 1
	if n >= 0x80 {
		if n, size = binary.Uvarint(h.src); size <= 0 {
			return errLevels
		}
	}
	h.src = h.src[size:]
	count := n >> 1
	if n&1 == 0 {
		bytes := (h.width + 7) / 8
		if uint(len(h.src)) < bytes {
			return errLevels
		}
		v := uint64(binary.LittleEndian.Uint32(h.src[:4])) & (1<<(8*bytes) - 1) // the rest is padding
		h.src = h.src[bytes:]
		h.run, h.value = int(min(count, 1<<40)), int32(v)
		return nil
	}
	if h.width == 0 {
		h.run, h.value = int(min(count, 1<<37))*8, 0
		return nil
	}
	// Some writers leave out the unused end of the last group.
	size = len(h.src)
	if count <= uint64(size)/uint64(h.width) {
		size = int(count) * int(h.width)
		h.packed = int(count) * 8
	} else {
		h.packed = size * 8 / int(h.width)
	}
	h.bits, h.skip = h.src[:size], 0
	h.src = h.src[size:]
	if h.packed == 0 && count > 0 {
		return errLevels
	}
	return nil
}

// next fills dst.
func (h *hybrid) next(dst []int32) error {
	for len(dst) > 0 {
		switch {
		case h.run > 0:
			n := min(h.run, len(dst))
			fill(dst[:n], h.value)
			h.run -= n
			dst = dst[n:]
		case h.packed > 0:
			n := min(h.packed, len(dst))
			h.unpack(dst[:n])
			h.packed -= n
			dst = dst[n:]
		default:
			if err := h.header(); err != nil {
				return err
			}
		}
	}
	return nil
}

// unpack gives out the next len(dst) bit-packed values: the rest of a group that
// was begun, whole groups, and the beginning of one more.
func (h *hybrid) unpack(dst []int32) {
	var group [8]int32
	width := int(h.width)
	for len(dst) > 0 {
		if h.skip == 0 && len(dst) >= 8 {
			n := len(dst) &^ 7
			bitpack.Unpack(dst[:n], h.bits, h.width)
			h.bits = h.bits[min(n/8*width, len(h.bits)):]
			dst = dst[n:]
			continue
		}
		bitpack.Unpack(group[:], h.bits, h.width)
		n := copy(dst, group[h.skip:])
		dst = dst[n:]
		if h.skip += n; h.skip == 8 {
			h.skip = 0
			h.bits = h.bits[min(width, len(h.bits)):]
		}
	}
}

// constant consumes n values when they are known to be all equal to v.
func (h *hybrid) constant(n int, v int32) bool {
	if h.run == 0 && h.packed == 0 && h.header() != nil {
		return false
	}
	if h.run < n || h.value != v {
		return false
	}
	h.run -= n
	return true
}

// levels fills dst with values below 256, or says which one is too large.
func (h *hybrid) levels(dst []uint8, max int) error {
	var wide [256]int32
	for len(dst) > 0 {
		n := min(len(dst), len(wide))
		if err := h.next(wide[:n]); err != nil {
			return err
		}
		for i, v := range wide[:n] {
			if uint32(v) > uint32(max) {
				return fmt.Errorf("has a level %d where %d is the highest", uint32(v), max)
			}
			dst[i] = uint8(v)
		}
		dst = dst[n:]
	}
	return nil
}

func fill[T any](dst []T, v T) {
	for i := range dst {
		dst[i] = v
	}
}
