package batch

import "math/bits"

// Bitmap holds one bit a row, least significant bit first, as Arrow does. A nil
// Bitmap stands for "all set" wherever it means validity. Bits past the last
// row are unspecified.
type Bitmap []byte

// NewBitmap returns a bitmap of n clear bits.
func NewBitmap(n int) Bitmap { return make(Bitmap, (n+7)/8) }

// Get returns bit i.
func (b Bitmap) Get(i int) bool { return b[i>>3]&(1<<(i&7)) != 0 }

// Set sets bit i.
func (b Bitmap) Set(i int) { b[i>>3] |= 1 << (i & 7) }

// Clear clears bit i.
func (b Bitmap) Clear(i int) { b[i>>3] &^= 1 << (i & 7) }

// SetAll sets the first n bits.
func (b Bitmap) SetAll(n int) {
	for i := range (n + 7) / 8 {
		b[i] = 0xff
	}
}

// Count returns how many of the first n bits are set; n for a nil bitmap.
func (b Bitmap) Count(n int) int {
	if b == nil {
		return n
	}
	total := 0
	for _, v := range b[:n/8] {
		total += bits.OnesCount8(v)
	}
	if rest := n & 7; rest != 0 {
		total += bits.OnesCount8(b[n/8] & (1<<rest - 1))
	}
	return total
}

// And returns the rows set in both of two validity bitmaps of n rows, sharing
// an operand where the other is nil.
func And(a, b Bitmap, n int) Bitmap {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	out := NewBitmap(n)
	for i := range out {
		out[i] = a[i] & b[i]
	}
	return out
}
