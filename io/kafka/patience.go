package kafka

import (
	"slices"
	"time"
)

// patience knows how long chunks have been in flight. The client's own limit counts
// from the times of records, which here may be those of events long past. It is not
// safe for concurrent use.
type patience struct {
	limit  time.Duration
	flying []*chunk // the oldest first
	timer  *time.Timer
	armed  bool
}

// departed notes that a chunk is sent. check is called when there may be a late one.
func (p *patience) departed(c *chunk, now time.Time, check func()) {
	c.sent = now
	p.flying = append(p.flying, c)
	if p.armed {
		return
	}
	p.armed = true
	if p.timer == nil {
		p.timer = time.AfterFunc(p.limit, check)
		return
	}
	p.timer.Reset(p.limit)
}

// arrived notes that a chunk has come back.
func (p *patience) arrived(c *chunk) {
	if i := slices.Index(p.flying, c); i >= 0 {
		p.flying = slices.Delete(p.flying, i, i+1)
	}
}

// late returns a chunk that is, or nil and sets the timer for the next.
func (p *patience) late(now time.Time) *chunk {
	p.armed = false
	if len(p.flying) == 0 {
		return nil
	}
	if left := p.limit - now.Sub(p.flying[0].sent); left > 0 {
		p.armed = true
		p.timer.Reset(left)
		return nil
	}
	return p.flying[0]
}

// stop ends it.
func (p *patience) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.flying, p.armed = nil, true // nothing is watched any more
}
