package watermark

import "github.com/leatflow/leat/sdk/batch"

// Pace decides when a source says its watermark, and that it is idle, in
// processing time. It is told the time and has no clock.
//
//	rows     r  r                     r
//	every 5  ....|w...|....|....|....|....|w...   at the end of an interval
//	idle 10             waited: 5    10 idle, active before the rows
//
// Only time in which the source was waited for counts as idle: between Wait and
// Waited, not while the pipeline was busy and asked for nothing.
type Pace struct {
	Every int64 // µs; 0: every watermark at once
	Idle  int64 // µs; 0: never idle

	pending int64 // the watermark to say
	said    int64
	next    int64 // when it may be said, if there is something
	idle    bool
	waiting bool
	since   int64 // of the wait under way
	waited  int64 // by the waits before, since the last rows
}

// NewPace returns the pace of a source that has said nothing.
func NewPace(every, idle int64) *Pace {
	return &Pace{Every: every, Idle: idle, pending: batch.MinTime, said: batch.MinTime}
}

// Say is what a source has to say: in this order.
type Say struct {
	Active    bool
	Watermark int64 // batch.MinTime: nothing new
	Idle      bool
}

// Came says that the source gave something, and returns what goes before it.
func (p *Pace) Came() Say {
	s := Say{Active: p.idle, Watermark: batch.MinTime}
	p.idle, p.waited = false, 0
	return s
}

// Raise sets the watermark behind what came.
func (p *Pace) Raise(w, now int64) Say {
	if p.pending <= p.said {
		p.next = endOfInterval(now, p.Every)
	}
	p.pending = max(p.pending, w)
	return p.Tick(now)
}

// endOfInterval returns the end of the interval that now is in. Intervals of all
// sources end at the same moments.
func endOfInterval(now, every int64) int64 {
	if every == 0 {
		return now
	}
	in := now % every
	if in < 0 {
		in += every
	}
	return now - in + every
}

// SetIdle says that the source itself has said so.
func (p *Pace) SetIdle() Say {
	s := Say{Watermark: p.flush(), Idle: !p.idle}
	p.idle = true
	return s
}

// Flush says what waits for its time.
func (p *Pace) Flush() Say { return Say{Watermark: p.flush()} }

// Wait says that the source is asked for rows from now on, and has none.
func (p *Pace) Wait(now int64) { p.waiting, p.since = true, now }

// Waited says that the wait is over, whether or not rows came.
func (p *Pace) Waited(now int64) {
	if p.waiting {
		p.waited += now - p.since
	}
	p.waiting = false
}

// Tick returns what is to be said because it is now.
func (p *Pace) Tick(now int64) Say {
	s := Say{Watermark: batch.MinTime}
	if p.pending > p.said && now >= p.next {
		s.Watermark = p.flush()
	}
	if p.idles() && now >= p.since+p.Idle-p.waited {
		s.Idle, p.idle = true, true
		s.Watermark = max(s.Watermark, p.flush())
	}
	return s
}

// Due returns when Tick has something to say if nothing comes, batch.MaxTime for
// never.
func (p *Pace) Due() int64 {
	due := batch.MaxTime
	if p.pending > p.said {
		due = p.next
	}
	if p.idles() {
		due = min(due, p.since+p.Idle-p.waited)
	}
	return due
}

func (p *Pace) idles() bool { return p.Idle > 0 && p.waiting && !p.idle }

// flush returns the watermark that has not been said yet.
func (p *Pace) flush() int64 {
	if p.pending <= p.said {
		return batch.MinTime
	}
	p.said = p.pending
	return p.said
}
