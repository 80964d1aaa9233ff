package operator

import (
	"fmt"
	"time"

	"github.com/leatflow/leat/runner/internal/state"
)

// engine is what cells and timers see of the operator.
type engine struct{ o *stateful }

// SetTimer implements the Engine of package state.
func (e engine) SetTimer(slot int32, number int, tag string, at, output int64) (due bool, err error) {
	o, t := e.o, e.o.Op.Timers[number]
	switch {
	case o.expiring:
		return false, fmt.Errorf("timer %s is set by OnExpiry, when the state of its key goes; it could never fire", t.Name)
	case !o.global: // rows of a window have times in it
		output = min(output, o.owners[slot].End-1)
	}
	switch {
	case t.Processing:
		if !o.finishing {
			o.timers.Set(slot, int32(number), tag, state.ProcessingTime, at, output)
		}
		return false, nil
	case !o.global && at > o.expiry(o.owners[slot].End):
		return false, fmt.Errorf("timer %s is set to %s, but the state of its window goes at %s; set it to an earlier time, or use a method OnExpiry",
			t.Name, stamp(at), stamp(o.expiry(o.owners[slot].End)))
	}
	o.timers.Set(slot, int32(number), tag, state.EventTime, at, output)
	return at <= o.watermark, nil
}

func stamp(us int64) string { return time.UnixMicro(us).UTC().Format("2006-01-02T15:04:05.999999Z") }

// ClearTimer implements the Engine of package state.
func (e engine) ClearTimer(slot int32, number int, tag string) {
	e.o.timers.Clear(slot, int32(number), tag)
}

// Advance implements the Engine of package state.
func (e engine) Advance(t int64) error {
	e.o.watermark = max(e.o.watermark, t)
	return e.o.fireUntil(t)
}

// Watermark implements the Engine of package state.
func (e engine) Watermark() int64 { return e.o.watermark }

// ProcessingTime implements the Engine of package state.
func (e engine) ProcessingTime() int64 { return e.o.clock }
