package pages

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// The format stores numbers with their lowest byte first, as nearly every
// processor does: then a column of words is copied as bytes.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

type word interface{ ~int64 | ~float64 }

// bytesOf returns the memory of values, where the processor stores them as the
// format does, and nil where it does not.
func bytesOf[T word](v []T) []byte {
	if !littleEndian || len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 8*len(v))
}

// words decodes plain values of 8 bytes.
func words[T word](dst []T, src []byte) {
	if to := bytesOf(dst); to != nil {
		copy(to, src)
		return
	}
	for i := range dst {
		bits := binary.LittleEndian.Uint64(src[8*i:])
		switch dst := any(dst).(type) {
		case []int64:
			dst[i] = int64(bits)
		case []float64:
			dst[i] = math.Float64frombits(bits)
		}
	}
}

// appendWords encodes floats as plain values.
func appendWords(to []byte, v []float64) []byte {
	if from := bytesOf(v); from != nil {
		return append(to, from...)
	}
	for _, f := range v {
		to = binary.LittleEndian.AppendUint64(to, math.Float64bits(f))
	}
	return to
}
