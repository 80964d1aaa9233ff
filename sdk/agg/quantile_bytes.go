package agg

import (
	"encoding/binary"
	"math"

	"github.com/DataDog/sketches-go/ddsketch/store"

	"github.com/leatflow/leat/sdk/batch"
)

// Saved form of a quantile sketch, all varints:
//
//	NaN │ +∞ │ −∞ │ zero │ n, n × (index step zigzag, count) │ the same
//	  how many             buckets of positive values          of negative ones

func (k *quantileSketches) save(slots []int32) ([]*batch.Column, error) {
	b := newTexts(len(slots))
	var buffer []byte
	for _, slot := range slots {
		s := &k.slots[slot]
		buffer = buffer[:0]
		sketch := s.finite()
		for _, n := range []int64{s.nan, s.plus, s.minus, int64(sketch.GetZeroCount())} {
			buffer = binary.AppendUvarint(buffer, uint64(n))
		}
		buffer = appendBins(buffer, sketch.GetPositiveValueStore())
		buffer = appendBins(buffer, sketch.GetNegativeValueStore())
		b.addBytes(buffer)
	}
	return single(b.column(bytesType))
}

func appendBins(dst []byte, s store.Store) []byte {
	list := bins(s)
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	last := int64(0)
	for _, b := range list {
		dst = binary.AppendVarint(dst, b.index-last)
		dst = binary.AppendUvarint(dst, b.count)
		last = b.index
	}
	return dst
}

func (k *quantileSketches) load(slots []int32, saved []*batch.Column, rows []int32) error {
	for i, slot := range slots {
		d := decoder{rest: saved[0].Bytes(rowAt(rows, i))}
		nan, plus, minus, zero := d.count(), d.count(), d.count(), d.count()
		positive, negative := d.bins(), d.bins()
		if d.bad || len(d.rest) > 0 {
			return errKey
		}
		s := &k.slots[slot]
		s.nan, s.plus, s.minus = s.nan+nan, s.plus+plus, s.minus+minus
		if zero > 0 {
			_ = s.finite().AddWithCount(0, float64(zero)) // fails only for negative counts
		}
		for _, b := range positive {
			s.finite().GetPositiveValueStore().AddWithCount(int(b.index), float64(b.count))
		}
		for _, b := range negative {
			s.finite().GetNegativeValueStore().AddWithCount(int(b.index), float64(b.count))
		}
	}
	return nil
}

// decoder reads varints. After damage it returns zeros and bad is set.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) count() int64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || v > math.MaxInt64 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return int64(v)
}

// bins reads buckets, refusing those no value maps to: a store allocates for
// the distance between its buckets.
func (d *decoder) bins() []bin {
	lowest, highest := int64(buckets.Index(buckets.MinIndexableValue()))-1, int64(buckets.Index(buckets.MaxIndexableValue()))+1
	n := d.count()
	if n > int64(len(d.rest)) {
		d.bad = true
		return nil
	}
	list := make([]bin, 0, n)
	last := int64(0)
	for range n {
		step, size := binary.Varint(d.rest)
		if size <= 0 {
			d.bad, d.rest = true, nil
			return nil
		}
		d.rest = d.rest[size:]
		last += step
		count := d.count()
		if d.bad || last < lowest || last > highest {
			d.bad = true
			return nil
		}
		list = append(list, bin{last, uint64(count)})
	}
	return list
}
