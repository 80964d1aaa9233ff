package state

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
)

// lifetime is how long the cell of a slot is kept after it was last written to. It
// is said by the tag of the field:
//
//	Seen state.Set[string] `leat:"seen,ttl=24h"`             in event time
//	Rate state.Value[int64] `leat:",ttl=10s,processing"`     in processing time
//
// A cell is empty from the moment of its latest write plus the ttl on. In event time
// that is for calls with rows, or timers, of that time or later, whatever the order
// in which rows come; so both plans do the same. When the watermark has passed that
// moment, the memory is free.
type lifetime struct {
	*place
	ttl        int64 // µs; 0: for ever
	processing bool
	until      []int64 // by slot; nil without a ttl
}

// ever is the end of the life of a cell that was never written to.
const ever = math.MaxInt64

// wrote is called by whatever changes the cell at hand.
func (l *lifetime) wrote() {
	if l.ttl == 0 {
		return
	}
	// A row that comes late does not shorten the life that one before it gave.
	if until := &l.until[l.slot]; *until == ever || *until < l.now()+l.ttl {
		*until = l.now() + l.ttl
	}
}

// now is the time by which the cell at hand ages.
func (l *lifetime) now() int64 {
	if l.processing {
		return l.engine.ProcessingTime()
	}
	return l.place.now
}

func (l *lifetime) grow(n int) {
	if l.ttl == 0 {
		return
	}
	before := len(l.until)
	l.until = extend(l.until, n)
	for i := range l.until[before:] {
		l.until[before+i] = ever
	}
}

func (l *lifetime) life() *lifetime { return l }

func (l *lifetime) sizeBytes() int64 { return 8 * int64(cap(l.until)) }

// tagged is what the tag of a field says.
type tagged struct {
	name       string
	ttl        time.Duration
	processing bool
}

// tagOf reads the tag of a field: the identity of the cell, or else its name, and
// options.
func tagOf(f reflect.StructField) (t tagged, err error) {
	name, options, _ := strings.Cut(f.Tag.Get("leat"), ",")
	if t.name = name; name == "" {
		t.name = f.Name
	}
	for o := range strings.SplitSeq(options, ",") {
		switch ttl, found := strings.CutPrefix(o, "ttl="); {
		case o == "":
		case o == "processing":
			t.processing = true
		case !found:
			err = fmt.Errorf("the tag of %s has the option %q; there are ttl=DURATION and processing", f.Name, o)
		default:
			if t.ttl, err = time.ParseDuration(ttl); err == nil && t.ttl < time.Microsecond {
				err = fmt.Errorf("it must be at least 1µs")
			}
			if err != nil {
				err = fmt.Errorf("the tag of %s has the option %q: %w", f.Name, o, err)
			}
		}
	}
	if t.processing && t.ttl == 0 && err == nil {
		err = fmt.Errorf("the tag of %s says processing, but no ttl=DURATION that it could be about", f.Name)
	}
	return t, err
}
