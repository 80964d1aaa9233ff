package agg

import (
	"fmt"
	"math"

	"github.com/leatflow/leat/sdk/batch"
)

// texts builds a column of strings or bytes of which some are null.
type texts struct {
	data    []byte
	offsets []int32
	valid   batch.Bitmap // nil: none is null so far
	n       int          // rows to come in all
	full    bool
}

func newTexts(n int) *texts {
	return &texts{offsets: make([]int32, 1, n+1), n: n}
}

// add appends the next value.
func (b *texts) add(value string) { b.end(append(b.data, value...)) }

// addBytes appends the next value.
func (b *texts) addBytes(value []byte) { b.end(append(b.data, value...)) }

// addNull appends a null.
func (b *texts) addNull() {
	if b.valid == nil {
		b.valid = batch.NewBitmap(b.n)
		b.valid.SetAll(b.n)
	}
	b.valid.Clear(len(b.offsets) - 1)
	b.end(b.data)
}

func (b *texts) end(data []byte) {
	if len(data) > math.MaxInt32 {
		b.full = true
		data = data[:0]
	}
	b.data = data
	b.offsets = append(b.offsets, int32(len(data)))
}

// column returns the values, or an error when there were more bytes than the
// 2 GiB that a column of strings can hold.
func (b *texts) column(t *batch.Type) (*batch.Column, error) {
	if b.full {
		return nil, fmt.Errorf("the strings of %d groups take more than 2 GiB; ask for fewer groups at once", b.n)
	}
	return &batch.Column{Type: t, Len: len(b.offsets) - 1, Strings: batch.Strings{Offsets: b.offsets, Data: b.data}, Valid: b.valid}, nil
}

// single is the result of a state that saves one column.
func single(c *batch.Column, err error) ([]*batch.Column, error) {
	if err != nil {
		return nil, err
	}
	return []*batch.Column{c}, nil
}
