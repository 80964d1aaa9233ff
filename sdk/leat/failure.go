package leat

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/leatflow/leat/sdk/state"
)

// PanicError is a panic of user code, turned into an error of the job.
type PanicError struct {
	Row   string // the row the code was called with; "" when it was called for none
	Value any    // what it panicked with
	Stack []byte // the user's frames, innermost first
}

// Error says what happened, with which row, and where in the user's code.
func (e *PanicError) Error() string {
	s := fmt.Sprintf("the function panicked: %v", e.Value)
	if e.Row != "" {
		s += "\n  row: " + e.Row
	}
	return s + "\n" + string(e.Stack)
}

// Unwrap returns the value, when the code panicked with an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// RowError is an error for one row: one that user code returned, or a result
// that no column can hold.
type RowError struct {
	Row string
	Err error
}

// Error names the row.
func (e *RowError) Error() string { return fmt.Sprintf("%v\n  row: %s", e.Err, e.Row) }

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }

// blame tells whose panic a panic is. User code may call back into the engine
// (an emit that passes a full batch on), and what goes wrong there is not the
// user's.
type blame struct{ away bool }

// ours runs engine code below user code.
func (b *blame) ours(f func() error) error {
	b.away = true
	err := f()
	b.away = false
	return err
}

// guard runs user code and turns a panic into a *PanicError; row returns the
// row it was called with, and is nil where it was called with none. A panic in
// engine code passes through.
func (b *blame) guard(f func() error, row func() any) (err error) {
	defer func() {
		if b.away {
			return
		}
		switch v := recover().(type) {
		case nil:
		case brokenColumn:
			err = v.error
		case state.Misuse:
			if err = v.Err; row != nil {
				err = &RowError{Row: printRow(row()), Err: err}
			}
		default:
			failure := &PanicError{Value: v, Stack: userStack()}
			if row != nil {
				failure.Row = printRow(row())
			}
			err = failure
		}
	}()
	return f()
}

// guarded is guard for user code that is called with no row.
func guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: userStack()}
		}
	}()
	return f()
}

// brokenColumn is what a sequence panics with when its rows cannot be decoded:
// it has no other way to say so, and user code stands between it and the step.
type brokenColumn struct{ error }

// userStack lists the user's frames that led to a panic, down to the call from
// this package. It is called by the deferred function that recovers.
func userStack() []byte {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	var b strings.Builder
	for panicked := false; ; {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicked = true
		case !panicked || strings.HasPrefix(f.Function, "runtime."):
		case ours(f) && b.Len() == 0: // Output.Emit and the like
		case ours(f):
			return []byte(b.String())
		default:
			fmt.Fprintf(&b, "  %s\n    %s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return []byte(b.String())
		}
	}
}
