// Package watermark combines the watermarks of several inputs: channels of an
// exchange, splits of a source, inputs of an operator. It is pure.
//
//	state of input   counts for the minimum
//	active           yes, with its watermark
//	idle             no, unless all that are not finished are idle: then nothing moves
//	finished         no; when all are finished the watermark is the end of time
//
// The result never goes back.
package watermark

import "github.com/leatflow/leat/sdk/batch"

// State of an input.
type State uint8

// The states.
const (
	Active State = iota
	Idle
	Finished
)

// Combiner follows a fixed number of inputs.
type Combiner struct {
	inputs  []input
	current int64
}

type input struct {
	state     State
	watermark int64
}

// NewCombiner returns a combiner of n active inputs that know nothing yet.
func NewCombiner(n int) *Combiner {
	c := &Combiner{inputs: make([]input, n), current: batch.MinTime}
	for i := range c.inputs {
		c.inputs[i].watermark = batch.MinTime
	}
	return c
}

// Advance sets the watermark of an input, which becomes active; one that goes
// back is ignored. It reports the combined watermark and whether that rose.
func (c *Combiner) Advance(i int, w int64) (int64, bool) {
	if c.inputs[i].state != Finished {
		c.inputs[i].state = Active
		c.inputs[i].watermark = max(c.inputs[i].watermark, w)
	}
	return c.combine()
}

// SetIdle takes an input out of the minimum until it advances again.
func (c *Combiner) SetIdle(i int) (int64, bool) {
	if c.inputs[i].state == Active {
		c.inputs[i].state = Idle
	}
	return c.combine()
}

// Finish says that an input has ended.
func (c *Combiner) Finish(i int) (int64, bool) {
	c.inputs[i].state = Finished
	return c.combine()
}

// Done reports whether every input has finished.
func (c *Combiner) Done() bool {
	for _, in := range c.inputs {
		if in.state != Finished {
			return false
		}
	}
	return true
}

// Current returns the combined watermark.
func (c *Combiner) Current() int64 { return c.current }

func (c *Combiner) combine() (int64, bool) {
	next, active, finished := batch.MaxTime, 0, 0
	for _, in := range c.inputs {
		switch in.state {
		case Active:
			active++
			next = min(next, in.watermark)
		case Finished:
			finished++
		}
	}
	if active == 0 && finished < len(c.inputs) { // somebody idle may still speak
		return c.current, false
	}
	if next <= c.current {
		return c.current, false
	}
	c.current = next
	return next, true
}
