// Package trigger runs the triggers of package window: pure state machines that
// are told of rows, of the clock and of the end of the window, and say when the
// window fires. No clock, no rows, no windows.
//
// The one central idea: a trigger is compiled once, and the state of one key and
// window is a few words of memory, so that millions of them lie side by side:
//
//	AfterWatermark(Early(AfterProcessingTime(5s)), Late(AfterCount(3)))
//
//	node      0 watermark ─┬─ 1 processing time      word 0   bit i: node i has finished
//	                       └─ 2 count                word 1   bit i: it has had its turn
//	                                                 word 2   of node 1: when it is due
//	                                                 word 3   of node 2: rows so far
//
// A part of an AfterAny or AfterAll that has fired has had its turn, also if by
// itself it would go on.
//
// The rules are those of Beam's trigger state machines, with two differences:
// triggers that Beam takes only one firing of may be any trigger, and a row that
// joins a window is not a window that merges with it.
package trigger

import (
	"math"

	"github.com/leatflow/leat/sdk/window"
)

// Machine is a trigger ready to run. It is immutable.
type Machine struct {
	nodes []node
	words int
	rows  bool // rows can make it fire before the end of the window
	timed bool // it looks at the clock
}

type node struct {
	kind         window.TriggerKind
	n            int64 // of a count
	delay, align int64 // of processing time, µs
	kids         []int
	late         bool // of a watermark: it has a late part
	word         int  // of the state, for a count and processing time
	last         int  // its parts are the nodes up to, not including, last
}

// Moment is what a trigger may look at besides its state.
type Moment struct {
	Ended bool  // the watermark has reached the end of the window
	Now   int64 // processing time, µs
}

// notDue is when a processing-time trigger without rows fires.
const notDue = math.MaxInt64

// New compiles a trigger that Validate has found right.
func New(t window.Trigger) *Machine {
	m := &Machine{words: 2}
	m.add(t)
	m.rows = m.early(0)
	return m
}

func (m *Machine) add(t window.Trigger) int {
	i := len(m.nodes)
	n := node{kind: t.Kind(), n: t.Count(), late: t.HasLate()}
	n.delay, n.align = t.Delay()
	m.timed = m.timed || n.kind == window.TriggerProcessingTime
	if n.kind == window.TriggerCount || n.kind == window.TriggerProcessingTime {
		n.word = m.words
		m.words++
	}
	m.nodes = append(m.nodes, n)
	for _, p := range t.Parts() {
		kid := m.add(p)
		m.nodes[i].kids = append(m.nodes[i].kids, kid)
	}
	m.nodes[i].last = len(m.nodes)
	return i
}

// early reports whether rows or the clock can make node i fire before the end of
// the window.
func (m *Machine) early(i int) bool {
	n := &m.nodes[i]
	switch n.kind {
	case window.TriggerCount, window.TriggerProcessingTime:
		return true
	case window.TriggerWatermark:
		return m.early(n.kids[0])
	}
	for _, k := range n.kids {
		if m.early(k) {
			return true
		}
	}
	return false
}

// Words is the size of a state.
func (m *Machine) Words() int { return m.words }

// Quiet reports whether before the end of a window there is no need to tell the
// machine of rows: none can make it fire.
func (m *Machine) Quiet() bool { return !m.rows }

// Timed reports whether the trigger looks at the clock.
func (m *Machine) Timed() bool { return m.timed }

// Reset makes a state that of a window without rows.
func (m *Machine) Reset(s []int64) {
	clear(s)
	for i := range m.nodes {
		m.clear(s, i)
	}
}

func (m *Machine) clear(s []int64, i int) {
	switch m.nodes[i].kind {
	case window.TriggerCount:
		s[m.nodes[i].word] = 0
	case window.TriggerProcessingTime:
		s[m.nodes[i].word] = notDue
	}
}

// restart makes node i and all its parts those of a window without rows.
func (m *Machine) restart(s []int64, i int) {
	for k := i; k < m.nodes[i].last; k++ {
		m.clear(s, k)
		s[0] &^= 1 << k
		s[1] &^= 1 << k
	}
}

func finished(s []int64, i int) bool { return (s[0]|s[1])&(1<<i) != 0 }

func finish(s []int64, i int, yes bool) {
	s[0] &^= 1 << i
	if yes {
		s[0] |= 1 << i
	}
}

// Closed reports whether the trigger has finished: the window never fires again.
func (m *Machine) Closed(s []int64) bool { return finished(s, 0) }

// Row tells the machine of a row.
func (m *Machine) Row(s []int64, at Moment) { m.row(s, 0, at) }

func (m *Machine) row(s []int64, i int, at Moment) {
	n := &m.nodes[i]
	if finished(s, i) {
		return
	}
	switch n.kind {
	case window.TriggerCount:
		s[n.word]++
	case window.TriggerProcessingTime:
		if s[n.word] == notDue {
			s[n.word] = n.due(at.Now)
		}
	case window.TriggerEach:
		if k, ok := m.unfinished(s, i); ok {
			m.row(s, k, at)
		}
	case window.TriggerWatermark:
		if finished(s, n.kids[0]) {
			m.row(s, n.kids[1], at)
			return
		}
		m.row(s, n.kids[0], at)
	default:
		for _, k := range n.kids {
			m.row(s, k, at)
		}
	}
}

// due is when a delay that begins now is over.
func (n *node) due(now int64) int64 {
	at := now + n.delay
	if n.align > 0 {
		if over := ((at % n.align) + n.align) % n.align; over > 0 {
			at += n.align - over
		}
	}
	return at
}

// unfinished returns the first part of node i that has not finished.
func (m *Machine) unfinished(s []int64, i int) (int, bool) {
	for _, k := range m.nodes[i].kids {
		if !finished(s, k) {
			return k, true
		}
	}
	return 0, false
}

// Ready reports whether the window fires now.
func (m *Machine) Ready(s []int64, at Moment) bool { return m.ready(s, 0, at) }

func (m *Machine) ready(s []int64, i int, at Moment) bool {
	n := &m.nodes[i]
	if finished(s, i) {
		return false
	}
	switch n.kind {
	case window.TriggerDefault:
		return at.Ended
	case window.TriggerCount:
		return s[n.word] >= n.n
	case window.TriggerProcessingTime:
		return s[n.word] <= at.Now
	case window.TriggerWatermark:
		if finished(s, n.kids[0]) {
			return m.ready(s, n.kids[1], at)
		}
		return at.Ended || m.ready(s, n.kids[0], at)
	case window.TriggerRepeat, window.TriggerLossy:
		return m.ready(s, n.kids[0], at)
	case window.TriggerOrFinally, window.TriggerAny:
		for _, k := range n.kids {
			if m.ready(s, k, at) {
				return true
			}
		}
	case window.TriggerEach:
		k, ok := m.unfinished(s, i)
		return ok && m.ready(s, k, at)
	case window.TriggerAll:
		for _, k := range n.kids {
			if !finished(s, k) && !m.ready(s, k, at) {
				return false
			}
		}
		return true
	}
	return false
}

// Due returns the next processing time after now at which the window may fire
// without another row or watermark, or math.MaxInt64.
func (m *Machine) Due(s []int64, now int64) int64 { return m.due(s, 0, now) }

func (m *Machine) due(s []int64, i int, now int64) int64 {
	n := &m.nodes[i]
	kids := n.kids
	switch {
	case finished(s, i):
		return notDue
	case n.kind == window.TriggerProcessingTime:
		if s[n.word] > now {
			return s[n.word]
		}
		return notDue // what has passed waits for something else, too
	case n.kind == window.TriggerWatermark && finished(s, kids[0]):
		kids = kids[1:]
	case n.kind == window.TriggerWatermark:
		kids = kids[:1]
	case n.kind == window.TriggerEach:
		k, _ := m.unfinished(s, i)
		return m.due(s, k, now)
	}
	due := int64(notDue)
	for _, k := range kids {
		due = min(due, m.due(s, k, now))
	}
	return due
}
