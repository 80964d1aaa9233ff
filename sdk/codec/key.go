package codec

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/leatflow/leat/sdk/batch"
)

// Key bytes. Comparing them as bytes compares the values, and equal values of a
// kind have equal bytes whatever the width of their field:
//
//	00                               end of a list or map
//	01                               null
//	02 bb                            bool, 00 or 01
//	03 xx xx xx xx xx xx xx xx       integer that fits int64: big endian, sign bit flipped
//	04 xx xx xx xx xx xx xx xx       uint64 from 2^63 on: big endian
//	05 xx xx xx xx xx xx xx xx       float64: big endian, ordered; −0 is 0, one NaN, last
//	06 xx xx xx xx xx xx xx xx       time: µs since the epoch, as an integer
//	07 … 00 01                       string, each 00 in it written 00 FF
//	08 … 00 01                       bytes, the same
//	09 element … 00                  list
//	0A key value … 00                map, in key order
//	0B field …                       struct: its fields are known
//
// Key bytes are prefix-free: no key is the beginning of another of its type. So
// what is appended to a key sorts behind it and before the next one. They are
// written to checkpoints; testdata/keys.txt holds examples that never change.
const (
	tagEnd byte = iota
	tagNull
	tagBool
	tagInt
	tagUint
	tagFloat
	tagTime
	tagString
	tagBytes
	tagList
	tagMap
	tagStruct
)

// AppendKey appends the key bytes of a row of a column of any type to dst. A
// column that was not read counts as null.
func AppendKey(dst []byte, c *batch.Column, row int) []byte {
	if c == nil || c.Null(row) {
		return append(dst, tagNull)
	}
	switch c.Type.Kind.Form() {
	case batch.IntForm:
		return appendIntKey(dst, c.Type.Kind, c.Ints[row])
	case batch.FloatForm:
		return appendFloatKey(dst, c.Floats[row])
	case batch.BoolForm:
		if c.Bools[row] {
			return append(dst, tagBool, 1)
		}
		return append(dst, tagBool, 0)
	case batch.StringForm:
		return appendTextKey(dst, c.Type.Kind, c.Bytes(row))
	case batch.ListForm:
		tag := tagList
		if c.Type.Kind == batch.Map {
			tag = tagMap
		}
		dst = append(dst, tag)
		for i, end := c.Range(row); i < end; i++ {
			for _, child := range c.Children {
				dst = AppendKey(dst, child, i)
			}
		}
		return append(dst, tagEnd)
	}
	dst = append(dst, tagStruct)
	for _, child := range c.Children {
		dst = AppendKey(dst, child, row)
	}
	return dst
}

func appendIntKey(dst []byte, k batch.Kind, v int64) []byte {
	switch {
	case k == batch.Time:
		dst = append(dst, tagTime)
	case k == batch.Uint64 && v < 0:
		return binary.BigEndian.AppendUint64(append(dst, tagUint), uint64(v))
	default:
		dst = append(dst, tagInt)
	}
	return binary.BigEndian.AppendUint64(dst, uint64(v)^1<<63)
}

func appendFloatKey(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, tagFloat), floatKey(v))
}

// floatKey maps floats to integers of the same order: a negative number has all
// bits flipped, since its magnitude counts backwards, another one the sign bit.
func floatKey(v float64) uint64 {
	if v != v {
		return math.MaxUint64
	}
	u := math.Float64bits(v + 0) // −0 + 0 is 0
	if u>>63 != 0 {
		return ^u
	}
	return u | 1<<63
}

func appendTextKey(dst []byte, k batch.Kind, text []byte) []byte {
	tag := tagString
	if k == batch.Bytes {
		tag = tagBytes
	}
	dst = append(dst, tag)
	for {
		i := bytes.IndexByte(text, 0)
		if i < 0 {
			break
		}
		dst = append(append(dst, text[:i+1]...), 0xff)
		text = text[i+1:]
	}
	return append(append(dst, text...), 0, 1)
}

// AppendKeys appends the key bytes of rows of c (nil: all) to keys, one value a
// row. It reports false, having stopped, when 2 GiB of key bytes are reached.
func AppendKeys(keys *batch.Strings, c *batch.Column, rows []int32) bool {
	if len(keys.Offsets) == 0 {
		keys.Offsets = append(keys.Offsets, 0)
	}
	n := len(rows)
	if rows == nil {
		n = c.Len
	}
	for i := range n {
		before := len(keys.Data)
		keys.Data = AppendKey(keys.Data, c, rowAt(rows, i))
		if len(keys.Data) > maxStringData {
			keys.Data = keys.Data[:before]
			return false
		}
		keys.Offsets = append(keys.Offsets, int32(len(keys.Data)))
	}
	return true
}

// Compare orders two keys of one type: null first, NaN last, else as the values.
func Compare(a, b []byte) int { return bytes.Compare(a, b) }
