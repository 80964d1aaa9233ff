package pages

import (
	"errors"
	"fmt"
	"sort"
)

// ErrIndex says that a page index and the pages it leads to contradict each other.
var ErrIndex = errors.New("has a page index that contradicts its pages")

// locations say where the pages of a chunk are: page i is the bytes from
// offset[i] up to offset[i+1] and the rows from row[i] up to row[i+1].
type locations struct{ offset, row []int64 }

// located reads the pages of a chunk that hold certain rows, and no others. Every
// page that is read is compared with what the index says about it.
type located struct {
	*locations
	needed []bool
	next   int   // the page after the one at hand
	run    int   // pages up to this one are read without a gap
	gap    int64 // bytes that are rather read than jumped over
}

func newLocated(l *locations, rows []Range, window int) *located {
	x := &located{locations: l, needed: make([]bool, len(l.row)-1), gap: int64(window) / 16}
	for _, r := range rows {
		if r.From == r.To {
			continue
		}
		fill(x.needed[x.page(r.From):x.page(r.To-1)+1], true)
	}
	return x
}

// page returns the page with a row.
func (l *locations) page(row int64) int {
	return sort.Search(len(l.row)-1, func(i int) bool { return l.row[i+1] > row })
}

// check compares the row before which a page has ended with the index.
func (x *located) check(row int64) error {
	if want := x.row[x.next]; row != want {
		return fmt.Errorf("%w: page %d ends before row %d, the index has %d", ErrIndex, x.next-1, row, want)
	}
	return nil
}

// end returns where the bytes end that are needed from page p on without a gap
// that is worth a jump.
func (x *located) end(p int) int64 {
	for x.run <= p || x.run < len(x.needed) && x.needed[x.run] {
		x.run = max(x.run, p) + 1
		after := x.run
		for after < len(x.needed) && !x.needed[after] {
			after++
		}
		if after < len(x.needed) && x.offset[after]-x.offset[x.run] <= x.gap {
			x.run = after
		}
	}
	return x.offset[x.run]
}

// nextLocated is nextPage by the page index.
func (r *leafReader) nextLocated() error {
	x := r.located
	p := x.next
	if p == len(x.needed) {
		return errFewValues
	}
	if !r.sawAny {
		if err := r.readFront(); err != nil {
			return err
		}
	}
	r.chunk.seek(x.offset[p], x.end(p))
	h, b, err := r.chunk.next()
	if err != nil {
		return fmt.Errorf("%w (page %d, found by the page index)", err, p)
	}
	rows := x.row[p+1] - x.row[p]
	switch {
	case h.kind != pageData && h.kind != pageDataV2 || r.chunk.at() != x.offset[p+1]:
		return fmt.Errorf("%w: at byte %d there is no data page of %d bytes", ErrIndex, x.offset[p], x.offset[p+1]-x.offset[p])
	case r.leaf.maxRep == 0 && int64(h.values) != rows || int64(h.values) < rows:
		return fmt.Errorf("%w: page %d has %d values where the index has %d rows", ErrIndex, p, h.values, rows)
	}
	x.next++
	return r.beginPage(&h, b)
}

// readFront takes in what is before the first data page: the dictionary, which is
// needed whichever pages are.
func (r *leafReader) readFront() error {
	x := r.located
	first := x.offset[0]
	end := first
	if x.needed[0] {
		end = x.end(0)
	}
	for r.chunk.seek(r.chunk.at(), end); r.chunk.at() < first; {
		h, b, err := r.chunk.next()
		if err != nil {
			return err
		}
		if h.kind == pageData || h.kind == pageDataV2 || r.chunk.at() > first {
			return fmt.Errorf("%w: the first data page is not at byte %d", ErrIndex, first)
		}
		if h.kind == pageDictionary {
			if err := r.readDictionary(&h, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// discardRows is how many rows are decoded at once only to be forgotten.
const discardRows = 4096

// seek goes on to a row, not before the next one: by the index to the beginning
// of its page, and from there, or without an index, by decoding what is between.
func (r *leafReader) seek(row int64) error {
	if row == r.row {
		return nil
	}
	if x := r.located; x != nil {
		if p := x.page(row); p >= x.next {
			x.next = p
			r.row, r.page, r.ahead = x.row[p], 0, nil
		}
	}
	for r.row < row {
		n := int(min(row-r.row, discardRows))
		var err error
		if r.leaf.maxRep > 0 {
			_, err = r.striped(n)
		} else {
			_, err = r.flat(n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
