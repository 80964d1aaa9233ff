package state

// place is where a function stands: what the cells and timers of one task share.
type place struct {
	engine Engine
	slot   int32 // of the key and window at hand; none outside of a call
	time   int64 // event time of the row, or of what a timer puts out
	now    int64 // by which cells age: that time, or what the timer was set to
	due    bool  // a timer was set that should fire when the call returns

	fired int // the timer that OnTimer was called for; none for no timer
	tag   string
	at    int64 // what that timer was set to
}

// none stands for no slot and no timer.
const none = -1

// Engine is what cells and timers ask of the operator that runs the function.
// Times are µs since the epoch.
type Engine interface {
	// SetTimer sets a timer, in place of what it was set to before. due says that
	// it is time for it already.
	SetTimer(slot int32, timer int, tag string, at, output int64) (due bool, err error)
	// ClearTimer makes a timer not fire.
	ClearTimer(slot int32, timer int, tag string)
	// Advance says that time has come to t, and fires what is due.
	Advance(t int64) error
	// Watermark is the event time that has been reached.
	Watermark() int64
	// ProcessingTime is what the clock of the engine says.
	ProcessingTime() int64
}

// Misuse is what cells and timers panic with when a function uses them in a way
// that has no meaning; leat.ParDo turns it into an error of the step.
type Misuse struct{ Err error }

// Error says what was wrong.
func (m Misuse) Error() string { return m.Err.Error() }

// Unwrap returns the cause.
func (m Misuse) Unwrap() error { return m.Err }

// outside is the message for a field that no task has opened.
const outside = "state: a cell or timer was used outside of the leat.ParDo it belongs to; use the receiver's fields, within Process, OnTimer and OnExpiry"
