package batch

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/float16"
)

func intsOfArrow(c *Column, d arrow.ArrayData, dt arrow.DataType) ([]int64, error) {
	switch dt.ID() {
	case arrow.INT8:
		return widened[int8](c, d)
	case arrow.INT16:
		return widened[int16](c, d)
	case arrow.INT32:
		return widened[int32](c, d)
	case arrow.UINT8:
		return widened[uint8](c, d)
	case arrow.UINT16:
		return widened[uint16](c, d)
	case arrow.UINT32:
		return widened[uint32](c, d)
	case arrow.DATE32:
		days, err := values[int32](d, 1, 0)
		return scaled(c, days, 86400_000_000, 1, err)
	case arrow.DATE64:
		millis, err := values[int64](d, 1, 0)
		return scaled(c, millis, 1000, 1, err)
	case arrow.TIMESTAMP:
		stamps, err := values[int64](d, 1, 0)
		switch dt.(*arrow.TimestampType).Unit {
		case arrow.Second:
			return scaled(c, stamps, 1000_000, 1, err)
		case arrow.Millisecond:
			return scaled(c, stamps, 1000, 1, err)
		case arrow.Nanosecond:
			return scaled(c, stamps, 1, 1000, err)
		}
		return stamps, err
	}
	ints, err := values[int64](d, 1, 0)
	if err == nil && (dt.ID() == arrow.UINT64) != (c.Type.Kind == Uint64) {
		err = c.refuseNegative(ints, dt)
	}
	if err == nil {
		err = c.refuseWide(ints, dt)
	}
	return ints, err
}

// refuseNegative guards the step between int64 and uint64, which share the
// values whose first bit is clear.
func (c *Column) refuseNegative(ints []int64, dt arrow.DataType) error {
	for i, v := range ints {
		if v < 0 && !c.Null(i) {
			return fmt.Errorf("row %d: a value of %s does not fit %s", i, dt, c.Type)
		}
	}
	return nil
}

// refuseWide checks values against the range of a narrower kind.
func (c *Column) refuseWide(ints []int64, dt arrow.DataType) error {
	low, high, ok := c.Type.Kind.Range()
	if have := kindOfArrow(dt.ID()); !ok || have == c.Type.Kind || c.Type.Kind == Int64 {
		return nil
	}
	for i, v := range ints {
		if (v < low || v > high) && !c.Null(i) {
			return fmt.Errorf("row %d: the %s %d does not fit %s", i, dt, v, c.Type)
		}
	}
	return nil
}

func widened[N int8 | int16 | int32 | uint8 | uint16 | uint32](c *Column, d arrow.ArrayData) ([]int64, error) {
	narrow, err := values[N](d, 1, 0)
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(narrow))
	for i, v := range narrow {
		out[i] = int64(v)
	}
	if c.Type.Kind == Uint64 {
		err = c.refuseNegative(out, d.DataType())
	}
	if err == nil {
		err = c.refuseWide(out, d.DataType())
	}
	return out, err
}

// scaled brings times to µs; division rounds towards the past.
func scaled[N int32 | int64](c *Column, in []N, times, by int64, err error) ([]int64, error) {
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(in))
	for i, n := range in {
		v := int64(n)
		if q := v / by; v%by < 0 {
			v = q - 1
		} else {
			v = q
		}
		if v > math.MaxInt64/times || v < math.MinInt64/times {
			if c.Null(i) {
				continue
			}
			return nil, fmt.Errorf("row %d: the time %d does not fit microseconds", i, n)
		}
		out[i] = v * times
	}
	return out, nil
}

func floatsOfArrow(d arrow.ArrayData, dt arrow.DataType) ([]float64, error) {
	switch dt.ID() {
	case arrow.FLOAT64:
		return values[float64](d, 1, 0)
	case arrow.FLOAT32:
		in, err := values[float32](d, 1, 0)
		out := make([]float64, len(in))
		for i, v := range in {
			out[i] = float64(v)
		}
		return out, err
	}
	in, err := values[float16.Num](d, 1, 0)
	out := make([]float64, len(in))
	for i, v := range in {
		out[i] = float64(v.Float32())
	}
	return out, err
}

func boolsOfArrow(d arrow.ArrayData) ([]bool, error) {
	bits, out := Bitmap(rawBuffer(d, 1)), make([]bool, d.Len())
	if d.Len() > 0 && d.Offset()+d.Len() > 8*len(bits) {
		return nil, fmt.Errorf("a buffer of %d bytes for %d bits", len(bits), d.Offset()+d.Len())
	}
	for i := range out {
		out[i] = bits.Get(d.Offset() + i)
	}
	return out, nil
}
