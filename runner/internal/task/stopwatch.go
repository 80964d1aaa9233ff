package task

import (
	"time"

	"github.com/leatflow/leat/runner/internal/exchange"
)

// stopwatch tells the time spent in an operator from that in those behind it, which
// it calls, and from that in which it waited for credits. It belongs to a task; nil
// does not run.
//
//	map     ▓▓▓░░░░░░░▓▓     ▓ its own
//	  where    ▓▓░░░▓▓       ░ what is behind it
//	    write    ▓▓▓
type stopwatch struct{ inner time.Duration } // spent behind the call under way

// lap is a call under way.
type lap struct {
	began  time.Time
	outer  time.Duration
	sender *exchange.Sender // of the operator; nil: it sends nothing
	waited time.Duration    // of the sender, before
}

func (w *stopwatch) begin(sender *exchange.Sender) (l lap) {
	if w == nil {
		return l
	}
	l = lap{began: time.Now(), outer: w.inner, sender: sender}
	w.inner = 0
	if sender != nil {
		l.waited = sender.Waited()
	}
	return l
}

// end returns the time of the call itself.
func (w *stopwatch) end(l lap) int64 {
	if w == nil {
		return 0
	}
	all := time.Since(l.began)
	own := all - w.inner
	w.inner = l.outer + all
	if l.sender != nil {
		own -= l.sender.Waited() - l.waited
	}
	return int64(own)
}
