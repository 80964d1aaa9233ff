package agg

import (
	"strings"

	"github.com/leatflow/leat/sdk/batch"
)

// textExtremes keeps the smallest or largest string by bytes. What it keeps is
// a copy, for a view would keep the whole batch alive.
type textExtremes struct {
	best    []text
	largest bool
	bytes   int64 // of the strings kept
}

// text is a string that may be missing.
type text struct {
	value string
	ok    bool
}

func (e *textExtremes) grow(n int) { e.best = extend(e.best, n, text{}) }

func (e *textExtremes) set(slot int32, value text) {
	e.bytes += int64(len(value.value) - len(e.best[slot].value))
	e.best[slot] = value
}

func (e *textExtremes) reset(slots []int32) {
	for _, s := range slots {
		e.set(s, text{})
	}
}

func (e *textExtremes) beats(value string, slot int32) bool {
	best := &e.best[slot]
	return !best.ok || value != best.value && (value > best.value) == e.largest
}

func (e *textExtremes) add(v *view) error {
	c := v.cols[0]
	for i := range v.n {
		slot, value := v.slotAt(i), c.Text(v.row(i))
		if e.beats(value, slot) {
			e.set(slot, text{strings.Clone(value), true})
		}
	}
	return nil
}

func (e *textExtremes) copyFrom(dst, src []int32) {
	for i, d := range dst {
		e.set(d, e.best[src[i]])
	}
}

func (e *textExtremes) merge(dst, src []int32) {
	for i, d := range dst {
		if s := e.best[src[i]]; s.ok && e.beats(s.value, d) {
			e.set(d, s)
		}
	}
}

func (e *textExtremes) save(slots []int32) ([]*batch.Column, error) {
	return single(e.column(slots, nullableBytes))
}

func (e *textExtremes) load(slots []int32, saved []*batch.Column, rows []int32) error {
	c := saved[0]
	for i, s := range slots {
		r := rowAt(rows, i)
		if c.Null(r) {
			continue
		}
		if value := c.Text(r); e.beats(value, s) {
			e.set(s, text{strings.Clone(value), true})
		}
	}
	return nil
}

func (e *textExtremes) sizeBytes() int64 { return int64(24*cap(e.best)) + e.bytes }

// column returns the strings of slots, null where there was none.
func (e *textExtremes) column(slots []int32, t *batch.Type) (*batch.Column, error) {
	b := newTexts(len(slots))
	for _, s := range slots {
		if best := &e.best[s]; best.ok {
			b.add(best.value)
		} else {
			b.addNull()
		}
	}
	return b.column(t)
}
