package pages

import (
	"fmt"
	"math"

	"github.com/leatflow/leat/sdk/batch"
)

// dictionary is the dictionary of one column chunk, already converted.
type dictionary struct {
	read    bool
	size    int
	ints    []int64
	floats  []float64
	strings *batch.Dictionary
	codes   []int32 // room for codes that are looked up at once
}

// scratch returns room for n codes, good until the next call.
func (d *dictionary) scratch(n int) []int32 {
	if cap(d.codes) < n {
		d.codes = make([]int32, n)
	}
	return d.codes[:n]
}

func (r *leafReader) readDictionary(h *header, b []byte) error {
	if r.sawAny || r.dict.read {
		return fmt.Errorf("has a dictionary page behind other pages")
	}
	if !h.hasBody {
		return fmt.Errorf("has a dictionary page without its header")
	}
	if h.encoding != encPlain && h.encoding != encPlainDictionary {
		return fmt.Errorf("has a dictionary with the encoding %d, which is not supported", h.encoding)
	}
	n := int(h.values)
	if n > dictionaryMax || n > len(b) {
		return fmt.Errorf("has a dictionary of %d values in %d bytes", n, len(b))
	}
	if err := r.openValues(encPlain, b); err != nil {
		return err
	}
	r.dict.read, r.dict.size = true, n
	d := &r.values
	switch r.typ.Kind.Form() {
	case batch.IntForm:
		r.dict.ints = make([]int64, n)
		if err := d.ints(r.dict.ints, nil); err != nil {
			return fmt.Errorf("dictionary: %w", err)
		}
		return r.leaf.convertInts(r.dict.ints)
	case batch.FloatForm:
		r.dict.floats = make([]float64, n)
		return d.floats(r.dict.floats, nil)
	case batch.StringForm:
		r.dict.strings = &batch.Dictionary{}
		return d.plainStrings(&r.dict.strings.Strings, n)
	}
	return fmt.Errorf("has a dictionary, which booleans cannot have")
}

// maxDay is the farthest day from the epoch that event time can hold.
const maxDay = batch.MaxTime / (24 * 60 * 60 * 1_000_000)

// convertInts turns stored integers into the batch's: times into microseconds,
// unsigned numbers into positive ones; and refuses what does not fit.
func (l *leaf) convertInts(v []int64) error {
	switch l.convert {
	case narrow:
		low, high, _ := l.kind.Range()
		return inRange(v, low, high, l.kind)
	case unsigned32:
		for i := range v {
			v[i] &= math.MaxUint32
		}
	case fromMicros:
		return inRange(v, batch.MinTime, batch.MaxTime, l.kind)
	case fromMillis:
		if err := inRange(v, batch.MinTime/1000, batch.MaxTime/1000, l.kind); err != nil {
			return err
		}
		for i := range v {
			v[i] *= 1000
		}
	case fromNanos:
		if l.physical == physicalInt96 {
			return nil
		}
		for i, n := range v {
			q := n / 1000
			if n%1000 < 0 {
				q--
			}
			v[i] = q
		}
	case fromDays:
		if err := inRange(v, -maxDay, maxDay, l.kind); err != nil {
			return err
		}
		for i := range v {
			v[i] *= 24 * 60 * 60 * 1_000_000
		}
	}
	return nil
}

func inRange(v []int64, low, high int64, k batch.Kind) error {
	least, most := int64(math.MaxInt64), int64(math.MinInt64)
	for _, n := range v {
		least, most = min(least, n), max(most, n)
	}
	if len(v) > 0 && (least < low || most > high) {
		bad := least
		if bad >= low {
			bad = most
		}
		return fmt.Errorf("has the value %d, which is out of range for %s", bad, k)
	}
	return nil
}
