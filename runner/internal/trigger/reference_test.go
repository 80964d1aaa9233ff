package trigger

import "github.com/leatflow/leat/sdk/window"

// reference is a trigger as objects: what has finished is thrown away and made anew
// where it is repeated. Slow, and by another idea than Machine.
type reference interface {
	row(at Moment)
	ready(at Moment) bool
	fire(at Moment)
	done() bool
}

func newReference(t window.Trigger) reference {
	var parts []reference
	for _, p := range t.Parts() {
		parts = append(parts, newReference(p))
	}
	switch t.Kind() {
	case window.TriggerDefault:
		return &refDefault{}
	case window.TriggerNever:
		return refNever{}
	case window.TriggerCount:
		return &refCount{need: t.Count()}
	case window.TriggerProcessingTime:
		r := &refClock{}
		r.delay, r.align = t.Delay()
		return r
	case window.TriggerWatermark:
		return &refWatermark{t: t, now: parts[0]}
	case window.TriggerRepeat:
		return &refRepeat{t: t.Parts()[0], now: parts[0]}
	case window.TriggerOrFinally:
		return &refOrFinally{main: parts[0], until: parts[1]}
	case window.TriggerEach:
		return &refEach{parts}
	case window.TriggerAny:
		return &refJoint{parts: parts, need: 1}
	case window.TriggerAll:
		return &refJoint{parts: parts, need: len(parts)}
	}
	return parts[0] // lossy
}

type refNever struct{}

func (refNever) row(Moment)        {}
func (refNever) ready(Moment) bool { return false }
func (refNever) fire(Moment)       {}
func (refNever) done() bool        { return false }

type refDefault struct{ refNever }

func (*refDefault) ready(at Moment) bool { return at.Ended }

type refCount struct {
	need, have int64
	fired      bool
}

func (r *refCount) row(Moment)        { r.have++ }
func (r *refCount) ready(Moment) bool { return !r.fired && r.have >= r.need }
func (r *refCount) fire(Moment)       { r.fired = true }
func (r *refCount) done() bool        { return r.fired }

type refClock struct {
	delay, align, due int64
	set, fired        bool
}

func (r *refClock) row(at Moment) {
	if r.set {
		return
	}
	r.set = true
	for r.due = at.Now + r.delay; r.align > 0 && r.due%r.align != 0; r.due++ {
	}
}
func (r *refClock) ready(at Moment) bool { return !r.fired && r.set && at.Now >= r.due }
func (r *refClock) fire(Moment)          { r.fired = true }
func (r *refClock) done() bool           { return r.fired }

type refRepeat struct {
	t   window.Trigger
	now reference
}

func (r *refRepeat) row(at Moment)        { r.now.row(at) }
func (r *refRepeat) ready(at Moment) bool { return r.now.ready(at) }
func (r *refRepeat) fire(at Moment) {
	if r.now.fire(at); r.now.done() {
		r.now = newReference(r.t)
	}
}
func (r *refRepeat) done() bool { return false }

// refWatermark is the early part repeated, then one firing, then the late part
// repeated.
type refWatermark struct {
	t     window.Trigger
	now   reference // nil when done
	ended bool
}

func (r *refWatermark) row(at Moment) {
	if r.now != nil {
		r.now.row(at)
	}
}

func (r *refWatermark) ready(at Moment) bool {
	return r.now != nil && (!r.ended && at.Ended || r.now.ready(at))
}

func (r *refWatermark) fire(at Moment) {
	part := r.t.Parts()[0]
	if r.ended {
		part = r.t.Parts()[1]
	}
	switch {
	case !r.ended && at.Ended:
		r.ended = true
		r.now = newReference(r.t.Parts()[1])
		if !r.t.HasLate() {
			r.now = nil
		}
	default:
		if r.now.fire(at); r.now.done() {
			r.now = newReference(part)
		}
	}
}

func (r *refWatermark) done() bool { return r.now == nil }

type refOrFinally struct {
	main, until reference
	over        bool
}

func (r *refOrFinally) row(at Moment) {
	r.main.row(at)
	r.until.row(at)
}
func (r *refOrFinally) ready(at Moment) bool {
	return !r.over && (r.main.ready(at) || r.until.ready(at))
}
func (r *refOrFinally) fire(at Moment) {
	if r.until.ready(at) {
		r.over = true
		return
	}
	r.main.fire(at)
	r.over = r.main.done()
}
func (r *refOrFinally) done() bool { return r.over }

type refEach struct{ left []reference }

func (r *refEach) row(at Moment) {
	if len(r.left) > 0 {
		r.left[0].row(at)
	}
}
func (r *refEach) ready(at Moment) bool { return len(r.left) > 0 && r.left[0].ready(at) }
func (r *refEach) fire(at Moment) {
	if r.left[0].fire(at); r.left[0].done() {
		r.left = r.left[1:]
	}
}
func (r *refEach) done() bool { return len(r.left) == 0 }

// refJoint is AfterAny and AfterAll: so many parts have to be ready.
type refJoint struct {
	parts []reference
	need  int
	over  bool
}

func (r *refJoint) row(at Moment) {
	for _, p := range r.parts {
		p.row(at)
	}
}
func (r *refJoint) ready(at Moment) bool {
	n := 0
	for _, p := range r.parts {
		if p.ready(at) {
			n++
		}
	}
	return !r.over && n >= r.need
}
func (r *refJoint) fire(Moment) { r.over = true }
func (r *refJoint) done() bool  { return r.over }
