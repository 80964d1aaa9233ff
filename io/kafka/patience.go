package kafka

import (
	"log/slog"
	"slices"
	"time"
)

// patience knows how long chunks have been in flight, says so when it is long, and
// gives up when it is too long. The client's own limit would not do: it counts from
// the times of records, which here may be those of events long past. Its methods are
// called under the writer's lock.
type patience struct {
	limit  time.Duration // zero: none
	log    *slog.Logger
	topic  string
	flying []*chunk // the oldest first
	timer  *time.Timer
	armed  bool
	told   time.Time // when it was last said that nothing is acknowledged; zero: all is well
}

const (
	tellAfter = 10 * time.Second // until it is said that nothing is acknowledged
	tellEvery = time.Minute      // until it is said again
)

// departed notes that a chunk is sent. check is called when the oldest may be late.
func (p *patience) departed(c *chunk, now time.Time, check func()) {
	c.sent = now
	p.flying = append(p.flying, c)
	if p.armed {
		return
	}
	p.armed = true
	if p.timer == nil {
		p.timer = time.AfterFunc(p.next(0, now), check)
		return
	}
	p.timer.Reset(p.next(0, now))
}

// arrived notes that a chunk has come back.
func (p *patience) arrived(c *chunk, now time.Time) {
	if i := slices.Index(p.flying, c); i >= 0 {
		p.flying = slices.Delete(p.flying, i, i+1)
	}
	if !p.told.IsZero() && (len(p.flying) == 0 || now.Sub(p.flying[0].sent) < tellAfter) {
		p.told = time.Time{}
		p.log.Info("kafka: records are acknowledged again", "topic", p.topic)
	}
}

// next is when to look again, when the oldest chunk has been in flight for age.
func (p *patience) next(age time.Duration, now time.Time) time.Duration {
	wait := tellAfter - age
	if !p.told.IsZero() {
		wait = tellEvery - now.Sub(p.told)
	}
	if p.limit > 0 {
		wait = min(wait, p.limit-age)
	}
	return max(wait, time.Millisecond)
}

// exhausted looks at the oldest chunk in flight, and reports whether it is too old.
// cause is why connections fail, if they do.
func (p *patience) exhausted(now time.Time, cause error) bool {
	p.armed = false
	if len(p.flying) == 0 {
		return false
	}
	age := now.Sub(p.flying[0].sent)
	if p.limit > 0 && age >= p.limit {
		return true
	}
	if age >= tellAfter && (p.told.IsZero() || now.Sub(p.told) >= tellEvery) {
		p.told = now
		p.log.Warn("kafka: brokers do not acknowledge what is written; the steps before wait", "topic", p.topic, "for", age.Round(time.Second), "cause", cause)
	}
	p.armed = true
	p.timer.Reset(p.next(age, now))
	return false
}

// stop ends it.
func (p *patience) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.flying, p.armed, p.told = nil, true, time.Time{} // nothing is watched any more, nor told
}
