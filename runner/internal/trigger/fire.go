package trigger

import "github.com/leatflow/leat/sdk/window"

// Fire tells the machine that the window fires, which Ready has to have said.
func (m *Machine) Fire(s []int64, at Moment) { m.fire(s, 0, at) }

func (m *Machine) fire(s []int64, i int, at Moment) {
	n := &m.nodes[i]
	switch n.kind {
	case window.TriggerCount, window.TriggerProcessingTime:
		m.clear(s, i)
		finish(s, i, true)
	case window.TriggerWatermark:
		m.fireWatermark(s, i, at)
	case window.TriggerRepeat:
		k := n.kids[0]
		m.fire(s, k, at)
		if finished(s, k) {
			m.restart(s, k)
		}
	case window.TriggerLossy:
		m.fire(s, n.kids[0], at)
		finish(s, i, finished(s, n.kids[0]))
	case window.TriggerOrFinally:
		k := n.kids[0]
		if m.ready(s, n.kids[1], at) {
			k = n.kids[1]
		}
		m.fire(s, k, at)
		if k != n.kids[0] {
			turn(s, k)
		}
		finish(s, i, finished(s, k))
	case window.TriggerEach:
		k, _ := m.unfinished(s, i)
		m.fire(s, k, at)
		_, more := m.unfinished(s, i)
		finish(s, i, !more)
	case window.TriggerAny, window.TriggerAll:
		for _, k := range n.kids {
			if m.ready(s, k, at) {
				m.fire(s, k, at)
				turn(s, k)
			}
		}
		finish(s, i, true)
	}
}

// turn notes that node i has fired for a trigger that lets it do so once.
func turn(s []int64, i int) {
	if !finished(s, i) {
		s[1] |= 1 << i
	}
}

// fireWatermark repeats the early part until the window ends, then the late one.
func (m *Machine) fireWatermark(s []int64, i int, at Moment) {
	n := &m.nodes[i]
	early, late := n.kids[0], n.kids[1]
	switch {
	case finished(s, early):
		m.fire(s, late, at)
		if finished(s, late) {
			m.restart(s, late)
		}
	case at.Ended:
		m.restart(s, early)
		m.restart(s, late)
		finish(s, early, true)
		finish(s, i, !n.late)
	default:
		m.fire(s, early, at)
		if finished(s, early) {
			m.restart(s, early)
		}
	}
}

// Merge makes into the state of a window that windows with the states parts have
// become; into may be one of them. ended says whether the watermark has reached
// the end of the new window. A window that only grows is a single part.
func (m *Machine) Merge(into []int64, parts [][]int64, ended bool) {
	merged := make([]int64, m.words)
	m.Reset(merged)
	m.merge(merged, parts, 0, ended)
	copy(into, merged)
}

func (m *Machine) merge(s []int64, parts [][]int64, i int, ended bool) {
	n := &m.nodes[i]
	for _, p := range parts {
		if p[1]&(1<<i) != 0 {
			s[1] |= 1 << i
			return
		}
	}
	switch n.kind {
	case window.TriggerCount:
		if finish(s, i, anyFinished(parts, i)); finished(s, i) {
			return
		}
		for _, p := range parts {
			s[n.word] += p[n.word]
		}
	case window.TriggerProcessingTime:
		if finish(s, i, anyFinished(parts, i)); finished(s, i) {
			return
		}
		for _, p := range parts {
			s[n.word] = min(s[n.word], p[n.word])
		}
	case window.TriggerWatermark:
		m.mergeWatermark(s, parts, i, ended)
	case window.TriggerEach:
		// Only the first part that has not finished has begun.
		for _, k := range n.kids {
			if m.merge(s, parts, k, ended); !finished(s, k) {
				break
			}
		}
		_, more := m.unfinished(s, i)
		finish(s, i, !more)
	case window.TriggerRepeat:
		m.merge(s, parts, n.kids[0], ended)
	case window.TriggerAny, window.TriggerAll, window.TriggerOrFinally, window.TriggerLossy:
		m.mergeParts(s, parts, i, ended)
	}
}

// mergeParts is for triggers that have finished with one of their parts, or with
// all of them.
func (m *Machine) mergeParts(s []int64, parts [][]int64, i int, ended bool) {
	n := &m.nodes[i]
	one, all := false, true
	for _, k := range n.kids {
		m.merge(s, parts, k, ended)
		one, all = one || finished(s, k), all && finished(s, k)
	}
	finish(s, i, all || one && n.kind != window.TriggerAll)
}

// mergeWatermark: where a part has not fired at its end, or the end lies ahead
// again, the window is before its end; otherwise what is late goes on.
func (m *Machine) mergeWatermark(s []int64, parts [][]int64, i int, ended bool) {
	n := &m.nodes[i]
	early, late := n.kids[0], n.kids[1]
	if !ended || !allFinished(parts, early) {
		m.merge(s, parts, early, ended)
		finish(s, early, false)
		return
	}
	finish(s, early, true)
	m.merge(s, parts, late, ended)
	finish(s, i, !n.late)
}

func anyFinished(parts [][]int64, i int) bool {
	for _, p := range parts {
		if finished(p, i) {
			return true
		}
	}
	return false
}

func allFinished(parts [][]int64, i int) bool {
	for _, p := range parts {
		if !finished(p, i) {
			return false
		}
	}
	return true
}
