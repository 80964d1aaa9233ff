// Package watermark combines the watermarks of several inputs: channels of an
// exchange, splits of a source, inputs of an operator. It is pure.
//
//	state of input   counts
//	active           for the minimum, with its watermark
//	idle, finished   not, while anybody is active; when nobody is, the latest
//	                 that any of them has said counts
//	all finished     the watermark is the end of time
//
// The result never goes back. An input that was idle and is active again counts
// at once, also when it is behind: the others wait for it, at the watermark that
// was reached, so that what it brings from there on is not late. When nobody is
// active the result is what it would be had the one furthest ahead gone last; so
// it does not depend on the order in which they went.
//
// An input whose watermark is the end of time counts as finished: it can bring
// no more rows, and must not let the others jump when they go idle.
package watermark

import "github.com/leatflow/leat/sdk/batch"

// State of an input, or of all together.
type State uint8

// The states.
const (
	Active State = iota
	Idle
	Finished
)

// Input is what is known of one input.
type Input struct {
	State     State
	Watermark int64
}

// Combine returns the watermark and the state of all inputs together. open says
// that more inputs may come: then no input at all, or none that has not finished,
// is not the end.
func Combine(inputs []Input, open bool) Input {
	least, latest := batch.MaxTime, batch.MinTime
	active, idle := false, false
	for _, in := range inputs {
		switch {
		case in.Watermark >= batch.MaxTime:
		case in.State != Active:
			idle = idle || in.State == Idle
			latest = max(latest, in.Watermark)
		default:
			active = true
			least = min(least, in.Watermark)
		}
	}
	switch {
	case active:
		return Input{Active, least}
	case idle, open:
		return Input{Idle, latest}
	}
	return Input{Finished, batch.MaxTime}
}

// Combiner follows inputs through time.
type Combiner struct {
	inputs  []Input
	open    bool
	current int64
	state   State
}

// NewCombiner returns a combiner of n active inputs that know nothing yet. There
// will be no others.
func NewCombiner(n int) *Combiner {
	c := NewOpenCombiner()
	for range n {
		c.Add()
	}
	c.Seal()
	return c
}

// NewOpenCombiner returns a combiner whose inputs are not known yet: splits that
// are found while others are read. Until Seal it does not end.
func NewOpenCombiner() *Combiner {
	return &Combiner{open: true, current: batch.MinTime, state: Idle}
}

// Add adds an active input that knows nothing yet, and returns its number. It
// holds the watermark where it is until it has said something.
func (c *Combiner) Add() int {
	c.inputs = append(c.inputs, Input{Active, batch.MinTime})
	c.combine()
	return len(c.inputs) - 1
}

// Seal says that no more inputs will be added.
func (c *Combiner) Seal() Change {
	c.open = false
	return c.combine()
}

// Change says what a call has brought.
type Change struct {
	Watermark int64 // the combined watermark
	Rose      bool
	State     State // of all together
	Turned    bool  // the state is another than before
}

// Advance sets the watermark of an input, which becomes active; one that goes
// back is ignored.
func (c *Combiner) Advance(i int, w int64) Change {
	if in := &c.inputs[i]; in.State != Finished {
		in.State = Active
		in.Watermark = max(in.Watermark, w)
	}
	return c.combine()
}

// SetIdle takes an input out of the minimum until it is active again.
func (c *Combiner) SetIdle(i int) Change { return c.set(i, Idle) }

// SetActive brings an idle input back, with the watermark that it had.
func (c *Combiner) SetActive(i int) Change { return c.set(i, Active) }

// Finish says that an input has ended.
func (c *Combiner) Finish(i int) Change { return c.set(i, Finished) }

func (c *Combiner) set(i int, s State) Change {
	if c.inputs[i].State != Finished {
		c.inputs[i].State = s
	}
	return c.combine()
}

// Done reports whether every input has finished, and none can come.
func (c *Combiner) Done() bool {
	for _, in := range c.inputs {
		if in.State != Finished {
			return false
		}
	}
	return !c.open
}

// Current returns the combined watermark.
func (c *Combiner) Current() int64 { return c.current }

// State returns the state of all inputs together.
func (c *Combiner) State() State { return c.state }

func (c *Combiner) combine() Change {
	all := Combine(c.inputs, c.open)
	change := Change{Watermark: max(c.current, all.Watermark), State: all.State}
	change.Rose, change.Turned = change.Watermark > c.current, all.State != c.state
	c.current, c.state = change.Watermark, all.State
	return change
}
