package codec

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/leatflow/leat/sdk/batch"
)

// source is where the values to append are: in a run of memory, or scattered,
// each at its pointer plus offset.
type source struct {
	memory
	pointers []unsafe.Pointer // when not nil, len is n
	offset   uintptr
}

func (s source) at(i int) unsafe.Pointer {
	if s.pointers != nil {
		return unsafe.Add(s.pointers[i], s.offset)
	}
	return s.memory.at(i)
}

func (s source) within(offset uintptr) source {
	s.offset += offset
	if s.pointers == nil {
		s.memory = s.memory.within(offset)
	}
	return s
}

// append adds the node's value within each of the containing values.
func (v *vector) append(from source) error {
	from = from.within(v.node.offset)
	if v.node.pointer {
		return v.appendPointers(from)
	}
	return v.appendValues(from)
}

// appendValues adds values that are not null.
func (v *vector) appendValues(from source) error {
	v.markValid(from.n)
	var err error
	switch v.node.form {
	case boolForm:
		v.bools = appendSame(v.bools, from, v.lastLen)
	case int64Form:
		v.ints = appendSame(v.ints, from, v.lastLen)
	case float64Form:
		v.floats = appendSame(v.floats, from, v.lastLen)
	case intForm:
		appendInts[int](v, from)
	case int8Form:
		appendInts[int8](v, from)
	case int16Form:
		appendInts[int16](v, from)
	case int32Form:
		appendInts[int32](v, from)
	case uintForm:
		appendInts[uint](v, from)
	case uint8Form:
		appendInts[uint8](v, from)
	case uint16Form:
		appendInts[uint16](v, from)
	case uint32Form:
		appendInts[uint32](v, from)
	case uint64Form:
		appendInts[uint64](v, from)
	case float32Form:
		v.appendFloat32(from)
	case stringForm, bytesForm:
		err = v.appendStrings(from)
	case timeForm:
		err = v.appendTimes(from)
	case listForm:
		err = v.appendLists(from)
	case mapForm:
		err = v.appendMaps(from)
	case structForm:
		err = v.appendStructs(from)
	}
	v.n += from.n
	return err
}

// markValid records n rows that are not null, when nulls are recorded at all.
func (v *vector) markValid(n int) {
	if v.valid == nil {
		return
	}
	v.growValid(n)
	for i := v.n; i < v.n+n; i++ {
		v.valid.Set(i)
	}
}

func (v *vector) growValid(n int) {
	for len(v.valid) < (v.n+n+7)/8 {
		v.valid = append(v.valid, 0)
	}
}

func appendSame[V any](to []V, from source, last int) []V {
	to = reserve(to, from.n, last)
	start := len(to)
	to = to[:start+from.n]
	out := to[start:]
	if from.pointers != nil {
		for i, p := range from.pointers {
			out[i] = *(*V)(unsafe.Add(p, from.offset))
		}
		return to
	}
	for i := range out {
		out[i] = *(*V)(from.memory.at(i))
	}
	return to
}

func appendInts[G integer | uint64](v *vector, from source) {
	v.ints = reserve(v.ints, from.n, v.lastLen)
	start := len(v.ints)
	v.ints = v.ints[:start+from.n]
	out := v.ints[start:]
	for i := range out {
		out[i] = int64(*(*G)(from.at(i)))
	}
}

func (v *vector) appendFloat32(from source) {
	v.floats = reserve(v.floats, from.n, v.lastLen)
	start := len(v.floats)
	v.floats = v.floats[:start+from.n]
	out := v.floats[start:]
	for i := range out {
		out[i] = float64(*(*float32)(from.at(i)))
	}
}

// appendStrings adds strings or []byte: both begin with a pointer and a length.
// A first pass over the lengths finds the offsets and keeps to the limit, a
// second one copies.
func (v *vector) appendStrings(from source) error {
	s := &v.strings
	s.Offsets = reserve(s.Offsets, from.n+1, v.lastLen+1)
	if len(s.Offsets) == 0 {
		s.Offsets = append(s.Offsets, 0)
	}
	start := len(s.Offsets)
	s.Offsets = s.Offsets[:start+from.n]
	ends, before := s.Offsets[start:], len(s.Data)
	end := before
	for i := range ends {
		end += len(*(*string)(from.at(i)))
		ends[i] = int32(end)
	}
	if end > maxStringData {
		s.Offsets = s.Offsets[:start]
		return fmt.Errorf("column %s (%s): %d bytes of text and %d more do not fit one batch, which holds 2 GiB a column; finish the batch earlier", v.node.label(), v.node.path, before, end-before)
	}
	s.Data = reserve(s.Data, end-before, v.lastData)[:end]
	rest := s.Data[before:]
	for i := range ends {
		n := copy(rest, *(*string)(from.at(i)))
		rest = rest[n:]
	}
	return nil
}

// Seconds within which every time in µs is between MinTime and MaxTime.
const (
	minSecond = batch.MinTime/1e6 + 1
	maxSecond = batch.MaxTime/1e6 - 1
)

func (v *vector) appendTimes(from source) error {
	v.ints = reserve(v.ints, from.n, v.lastLen)
	start := len(v.ints)
	v.ints = v.ints[:start+from.n]
	out := v.ints[start:]
	for i := range out {
		t := (*time.Time)(from.at(i))
		s := t.Unix()
		if s < minSecond || s > maxSecond {
			if err := v.checkTime(*t); err != nil {
				return err
			}
		}
		out[i] = s*1e6 + int64(t.Nanosecond())/1e3
	}
	return nil
}

// checkTime refuses a time that is no event time.
func (v *vector) checkTime(t time.Time) error {
	micro := t.UnixMicro() // overflows far beyond the bounds, which are a quarter of the range
	if s := t.Unix(); s < minSecond-2 || s > maxSecond+2 || micro < batch.MinTime || micro > batch.MaxTime {
		return fmt.Errorf("column %s: %s is the time %s, outside the range of event time, years %d to %d", v.node.label(), v.node.path, t,
			time.UnixMicro(batch.MinTime).UTC().Year(), time.UnixMicro(batch.MaxTime).UTC().Year())
	}
	return nil
}
