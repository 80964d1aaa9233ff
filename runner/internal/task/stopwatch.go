package task

import "time"

// stopwatch tells the time spent in an operator from that in those behind it, which
// it calls. It belongs to a task; nil does not run.
//
//	map     ▓▓▓░░░░░░░▓▓     ▓ its own
//	  where    ▓▓░░░▓▓       ░ what is behind it
//	    write    ▓▓▓
type stopwatch struct{ inner time.Duration } // spent behind the call under way

// lap is a call under way.
type lap struct {
	began time.Time
	outer time.Duration
}

func (w *stopwatch) begin() (l lap) {
	if w != nil {
		l = lap{time.Now(), w.inner}
		w.inner = 0
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
	return int64(own)
}
