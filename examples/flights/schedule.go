package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// moment is when a record comes to a topic.
type moment struct {
	comes  int64 // µs
	flight int32
	landed bool
	late   bool // on purpose later than the disorder allows
}

// at returns when what the record says has happened.
func (m moment) at(flights []Flight) int64 {
	if m.landed {
		return Landed(flights[m.flight]).UnixMicro()
	}
	return flights[m.flight].Date.UnixMicro()
}

// schedule says when the records of departures and reports come, in that order.
//
// Each comes less than the disorder after its own time, so when it comes, nothing
// has been seen that is further ahead of it. A late one comes when all that
// happened up to LateBy and the disorder after it has; the last flights are never
// late, since nothing would be left to be ahead of them.
func (r *Replay) schedule(flights []Flight) []moment {
	random := rand.New(rand.NewPCG(r.Seed, 0))
	moments := make([]moment, 0, 2*len(flights))
	var latest [2]int64 // of departures and reports
	for i := range flights {
		for topic, landed := range []bool{false, true} {
			m := moment{flight: int32(i), landed: landed}
			m.comes = m.at(flights)
			latest[topic] = max(latest[topic], m.comes)
			moments = append(moments, m)
		}
	}
	disorder, lateBy := r.Disorder.Microseconds(), r.LateBy.Microseconds()
	for i := range moments {
		m := &moments[i]
		if r.Late > 0 && random.Float64() < r.Late && m.comes+3*disorder+2*lateBy < latest[i%2] {
			m.late = true
			m.comes += 2*disorder + lateBy + random.Int64N(lateBy)
		} else if disorder > 0 {
			m.comes += random.Int64N(disorder)
		}
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return cmp.Compare(a.comes, b.comes) })
	return moments
}

// sent counts what a schedule sends to each topic.
func (r *Replay) sent(flights []Flight, moments []moment) [2]Sent {
	sent := [2]Sent{{Topic: r.Topics.departures}, {Topic: r.Topics.reports}}
	var newest [2]int64
	for _, m := range moments {
		topic := 0
		if m.landed {
			topic = 1
		}
		s, at := &sent[topic], m.at(flights)
		if s.Records == 0 || at > newest[topic] {
			newest[topic] = at
		}
		s.Records++
		if behind := time.Duration(newest[topic]-at) * time.Microsecond; m.late {
			s.Late++
		} else {
			s.Disorder = max(s.Disorder, behind)
		}
	}
	return sent
}
