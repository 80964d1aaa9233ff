package window

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Strategy says when windows give results and what is in them. The zero value is
// that of most pipelines: one result for each key and window, when the watermark
// has passed its end; later rows are dropped and counted.
type Strategy struct {
	Trigger Trigger
	Mode    Mode
	// Lateness is how long after its end a window still takes rows, in event time.
	// A row is late for a window when the watermark has reached the window's end, and
	// is dropped when it has reached the end plus the lateness.
	Lateness time.Duration
	Combiner Combiner
	OnTime   Behavior
	Closing  Behavior
}

// Mode says what becomes of the rows of a pane when the window fires again.
type Mode uint8

// The modes.
const (
	Discarding   Mode = iota // a pane has the rows since the last one
	Accumulating             // a pane has all rows so far
	Retracting               // accumulating, and what was emitted before is taken back first
)

// String returns the name of the mode.
func (m Mode) String() string {
	if m > Retracting {
		return fmt.Sprintf("mode %d", uint8(m))
	}
	return [...]string{"discarding", "accumulating", "retracting"}[m]
}

// Combiner says what event time a result has.
type Combiner uint8

// The combiners. With Earliest and Latest the watermark behind the step waits for
// results that are still to come; late rows are left out of them.
const (
	EndOfWindow Combiner = iota // the last microsecond of the window
	Earliest                    // that of the earliest row in the pane
	Latest                      // that of the latest row in the pane
)

// String returns the name of the combiner.
func (c Combiner) String() string {
	if c > Latest {
		return fmt.Sprintf("combiner %d", uint8(c))
	}
	return [...]string{"end of window", "earliest", "latest"}[c]
}

// Behavior says whether a firing without new rows since the last one is a pane.
type Behavior uint8

// The behaviors. ByDefault is FireAlways on time in windows that accumulate, where
// such a pane says that the result is final, and FireIfNonEmpty otherwise.
const (
	ByDefault Behavior = iota
	FireAlways
	FireIfNonEmpty
)

// String returns the name of the behavior.
func (b Behavior) String() string {
	if b > FireIfNonEmpty {
		return fmt.Sprintf("behavior %d", uint8(b))
	}
	return [...]string{"by default", "fire always", "fire if non-empty"}[b]
}

// Empty reports whether a firing without new rows is a pane, on time and when the
// window closes.
func (s Strategy) Empty() (onTime, closing bool) {
	return s.OnTime == FireAlways || s.OnTime == ByDefault && s.Mode != Discarding, s.Closing == FireAlways
}

// LatenessMicros returns the allowed lateness in µs.
func (s Strategy) LatenessMicros() int64 { return s.Lateness.Microseconds() }

// Simple reports whether a window fires once, at its end, and has no use for rows
// after that: the strategy of the zero value, however it is written.
func (s Strategy) Simple() bool {
	return s.Trigger.Once() && s.Lateness == 0 && s.Combiner == EndOfWindow
}

// Continuation returns the strategy of the results: panes that are grouped again
// fire as they come.
func (s Strategy) Continuation() Strategy {
	if !s.Simple() {
		s.Trigger = s.Trigger.Continuation()
	}
	return s
}

// Equal reports whether two strategies are the same.
func (s Strategy) Equal(o Strategy) bool { return s.String() == o.String() }

// String renders what differs from the zero value, as EXPLAIN shows it.
func (s Strategy) String() string {
	var parts []string
	if s.Trigger.Kind() != TriggerDefault {
		parts = append(parts, "trigger "+s.Trigger.String())
	}
	if s.Mode != Discarding {
		parts = append(parts, s.Mode.String())
	}
	if s.Lateness != 0 {
		parts = append(parts, "lateness "+s.Lateness.String())
	}
	if s.Combiner != EndOfWindow {
		parts = append(parts, "time "+s.Combiner.String())
	}
	if s.OnTime != ByDefault {
		parts = append(parts, "on time "+s.OnTime.String())
	}
	if s.Closing != ByDefault {
		parts = append(parts, "closing "+s.Closing.String())
	}
	return strings.Join(parts, ", ")
}

// maxTriggers is how many parts a trigger may have: one bit each tells whether it
// has finished.
const maxTriggers = 64

// Validate reports what is wrong with the strategy, all of it joined.
func (s Strategy) Validate() error {
	errs := []error{s.Trigger.validate(), s.safe()}
	if n := s.Trigger.parts(); n > maxTriggers {
		errs = append(errs, fmt.Errorf("trigger %s has %d parts; more than %d are not supported", s.Trigger, n, maxTriggers))
	}
	if s.Lateness < 0 || s.Lateness%time.Microsecond != 0 {
		errs = append(errs, fmt.Errorf("allowed lateness %s must be whole microseconds and not negative", s.Lateness))
	}
	if s.Mode > Retracting || s.Combiner > Latest || s.OnTime > FireIfNonEmpty || s.Closing > FireIfNonEmpty {
		errs = append(errs, fmt.Errorf("%s, %s, on time %s, closing %s: use the constants of package window", s.Mode, s.Combiner, s.OnTime, s.Closing))
	}
	return errors.Join(errs...)
}

// safe refuses a trigger that may finish while its window still takes rows, which
// would be lost: the unsafe triggers of the Beam model.
func (s Strategy) safe() error {
	t := s.Trigger
	if !t.Finishes() || t.Kind() == TriggerLossy || t.Kind() == TriggerWatermark && s.Lateness == 0 {
		return nil
	}
	if t.Kind() == TriggerWatermark {
		return fmt.Errorf("trigger %s finishes at the end of the window, so that the rows which a lateness of %s allows would be lost; add window.Late(…), use window.Default(), or say with window.Lossy that it is meant", t, s.Lateness)
	}
	return fmt.Errorf("trigger %s finishes, and all rows after that would be lost; wrap it in window.Repeat, or say with window.Lossy that it is meant", t)
}
