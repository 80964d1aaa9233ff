package task

import (
	"context"
	"errors"
	"sync"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/watermark"
)

// Splits is the input of one task from a source whose splits are orders of their
// own: partitions of a topic. All of them are read at the same time, each by a
// Reading in a goroutine, and their watermarks are combined as those of the
// channels of an exchange are:
//
//	split 0 ─ Reading ─┐
//	split 3 ─ Reading ─┼─ coming ─▶ combining ─▶ rows, and the least watermark
//	split 6 ─ Reading ─┘
//	  found while it runs: active and without a watermark, so that it holds
//	  the others where they are until it has said something
//
// What waits to be taken is taken in the order in which it came, an event of a
// split at a time (senders of a channel stand in line), so that a split which
// always has rows cannot keep the others from being read.
type Splits struct {
	source   *Source
	number   int // of the task
	readings []*Reading
	coming   chan event
	running  sync.WaitGroup
	ctx      context.Context // of the readings; nil: not started
	cancel   context.CancelFunc
	combining
}

// event is what a Reading has to say at one time.
type event struct {
	split    int
	messages []Message
	err      error
}

// ahead is how many events may wait beside those in the hands of the readers.
const ahead = 4

// NewSplits returns the input of a task from the splits that are dealt to it; see
// Source.Deal.
func NewSplits(source *Source, number int) *Splits {
	s := &Splits{source: source, number: number, coming: make(chan event, ahead),
		combining: combining{lines: watermark.NewOpenCombiner(), script: source.Script}}
	s.deal()
	switch {
	case s.over(): // the task has no splits: what was under way until now is the message
		s.add(s.last())
	case len(s.readings) == 0:
		s.add(control(exchange.Idle, 0))
	}
	return s
}

// deal takes the splits that are new for the task.
func (s *Splits) deal() {
	splits, sealed, cut := s.source.dealt(s.number)
	for _, split := range splits {
		s.lines.Add()
		s.open++
		s.readings = append(s.readings, NewReadingOfOne(s.source, split))
	}
	if sealed && !s.sealed {
		s.sealed = true
		s.stopped = s.stopped || cut && !s.source.Stopping.Complete
		s.lines.Seal()
	}
}

// Next implements Input.
func (s *Splits) Next(ctx context.Context) (Message, error) {
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancel(ctx)
		s.start(0)
	}
	for len(s.waiting) == 0 {
		select {
		case e := <-s.coming:
			if e.err != nil {
				return Message{}, e.err
			}
			for _, m := range e.messages {
				s.take(e.split, m)
			}
		case <-s.source.news(s.number):
			s.grow()
		case <-ctx.Done():
			return Message{}, ctx.Err()
		}
	}
	return s.next(), nil
}

// start starts reading, from a split on.
func (s *Splits) start(from int) {
	for i := from; i < len(s.readings); i++ {
		reading := s.readings[i] // readings grows while others read theirs
		s.running.Go(func() { s.read(i, reading) })
	}
}

// grow begins to read splits that were found while others are read.
func (s *Splits) grow() {
	before, known := s.lines.State(), len(s.readings)
	s.deal()
	if s.over() { // there will be none, and those there were have ended
		s.add(s.last())
		return
	}
	s.start(known)
	s.say(watermark.Change{State: s.lines.State(), Turned: s.lines.State() != before})
}

// read hands on what a split has to say, until its last message.
func (s *Splits) read(i int, from *Reading) {
	for last := false; !last; {
		e := event{split: i}
		e.err = guard(func() (err error) { e.messages, err = from.all(s.ctx); return err })
		select {
		case s.coming <- e:
		case <-s.ctx.Done():
			return
		}
		last = e.err != nil || e.messages[len(e.messages)-1].last()
	}
}

// Close implements Input.
func (s *Splits) Close() error {
	if s.ctx == nil {
		return nil
	}
	s.cancel()
	s.running.Wait()
	var errs []error
	for _, r := range s.readings {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}
