package state

import (
	"math"
	"slices"
)

// Timers keeps the timers of stateful functions: for each slot, number of a timer
// and tag at most one, set to a time. It is pure: the caller says what time it is.
//
// Two heaps in each domain are lazy. A timer has one entry that counts, and setting
// it to a later time leaves that where it is: when it comes up, it is put off.
//
//	Set 5        due  5
//	Set 9, 12    due  5     at 12
//	up to 5      due 12     nothing fired
//
// So a timer that every row of a key moves on, as for inactivity, costs a store a
// row.
type Timers struct {
	all    []timer
	free   []int32
	single [][]int32 // by timer, by slot: index into all + 1, of timers without tags
	tagged map[tagged]int32
	first  []int32 // by slot: the first of its tagged timers + 1
	due    [2]later
	hold   later
	set    int // timers that are set
	tags   int64
}

// Domain is what a timer waits for.
type Domain int

// The domains.
const (
	EventTime Domain = iota
	ProcessingTime
)

// timer is one timer. What is unset keeps its place: most are set again.
type timer struct {
	at, output   int64
	queued, held int64 // the times of its entries that count in due and hold; Never for none
	slot, number int32
	domain       Domain
	tag          string
	set          bool
	next, before int32 // tagged: neighbours among those of the slot, index + 1
}

type tagged struct {
	slot, number int32
	tag          string
}

// Never is the time of no timer.
const Never = math.MaxInt64

// Firing is a timer that has fired.
type Firing struct {
	Slot, Timer int32
	Tag         string
	At, Output  int64
}

// NewTimers returns no timers, of so many kinds.
func NewTimers(kinds int) *Timers {
	return &Timers{single: make([][]int32, kinds), tagged: make(map[tagged]int32)}
}

// Set sets a timer, in place of what it was set to. output is the event time of what
// it will put out: until it has fired, Hold is not after that, unless output is at
// and so is never passed before.
func (t *Timers) Set(slot, number int32, tag string, domain Domain, at, output int64) {
	i := t.find(slot, number, tag)
	if i < 0 {
		i = t.add(slot, number, tag, domain)
	}
	e := &t.all[i]
	if !e.set {
		e.set = true
		t.set++
	}
	e.at, e.output = at, output
	if at < e.queued {
		e.queued = at
		t.due[domain].push(moment{at, i})
	}
	if (domain == ProcessingTime || output < at) && output < e.held {
		e.held = output
		t.hold.push(moment{output, i})
	}
}

// Clear unsets a timer.
func (t *Timers) Clear(slot, number int32, tag string) {
	if i := t.find(slot, number, tag); i >= 0 {
		t.unset(i)
	}
}

// find returns the index of a timer, or -1.
func (t *Timers) find(slot, number int32, tag string) int32 {
	if tag != "" {
		return t.tagged[tagged{slot, number, tag}] - 1
	}
	if of := t.single[number]; int(slot) < len(of) {
		return of[slot] - 1
	}
	return -1
}

func (t *Timers) add(slot, number int32, tag string, domain Domain) int32 {
	i := int32(len(t.all))
	if n := len(t.free); n > 0 {
		i, t.free = t.free[n-1], t.free[:n-1]
	} else {
		t.all = push(t.all, timer{})
	}
	t.all[i] = timer{queued: Never, held: Never, slot: slot, number: number, domain: domain, tag: tag}
	if tag == "" {
		t.single[number] = stretch(t.single[number], int(slot)+1)
		t.single[number][slot] = i + 1
		return i
	}
	t.tags += int64(len(tag))
	t.tagged[tagged{slot, number, tag}] = i + 1
	t.first = stretch(t.first, int(slot)+1)
	if next := t.first[slot]; next > 0 {
		t.all[i].next, t.all[next-1].before = next, i+1
	}
	t.first[slot] = i + 1
	return i
}

// stretch makes a slice at least n long.
func stretch(s []int32, n int) []int32 {
	if n <= len(s) {
		return s
	}
	s = slices.Grow(s, max(n, 2*len(s))-len(s))
	clear(s[len(s):cap(s)])
	return s[:cap(s)]
}

// unset marks a timer as not set. One with a tag is forgotten: tags may be many.
func (t *Timers) unset(i int32) {
	e := &t.all[i]
	if e.set {
		e.set = false
		t.set--
	}
	if e.tag == "" {
		return
	}
	t.tags -= int64(len(e.tag))
	delete(t.tagged, tagged{e.slot, e.number, e.tag})
	if e.next > 0 {
		t.all[e.next-1].before = e.before
	}
	if e.before > 0 {
		t.all[e.before-1].next = e.next
	} else {
		t.first[e.slot] = e.next
	}
	e.tag, e.queued, e.held = "", Never, Never
	t.free = append(t.free, i)
}

// Drop forgets the timers of a slot, which is given to another key.
func (t *Timers) Drop(slot int32) {
	for _, of := range t.single {
		if int(slot) >= len(of) || of[slot] == 0 {
			continue
		}
		i := of[slot] - 1
		of[slot] = 0
		t.unset(i)
		t.all[i].queued, t.all[i].held = Never, Never
		t.free = append(t.free, i)
	}
	for int(slot) < len(t.first) && t.first[slot] > 0 {
		t.unset(t.first[slot] - 1)
	}
}

// Any reports whether a slot has a timer that is set.
func (t *Timers) Any(slot int32) bool {
	for _, of := range t.single {
		if int(slot) < len(of) && of[slot] > 0 && t.all[of[slot]-1].set {
			return true
		}
	}
	return int(slot) < len(t.first) && t.first[slot] > 0
}

// Len returns how many timers are set.
func (t *Timers) Len() int { return t.set }

// Next returns when the next timer of a domain fires, or Never.
func (t *Timers) Next(d Domain) int64 {
	for h := &t.due[d]; len(*h) > 0; {
		top := (*h)[0]
		e := &t.all[top.id]
		switch {
		case e.queued != top.at || e.domain != d: // another entry counts, or it was of another timer
			h.pop()
		case !e.set:
			e.queued = Never
			h.pop()
		case e.at != top.at:
			e.queued = e.at
			h.replace(moment{e.at, top.id})
		default:
			return top.at
		}
	}
	return Never
}

// Take unsets the timers of a domain that fire at t, the time that Next has given,
// and appends them to dst, in no order.
func (t *Timers) Take(d Domain, at int64, dst []Firing) []Firing {
	for t.Next(d) == at {
		i := t.due[d].pop().id
		e := &t.all[i]
		e.queued = Never
		dst = append(dst, Firing{e.slot, e.number, e.tag, e.at, e.output})
		t.unset(i)
	}
	return dst
}

// Hold returns the earliest event time of what a timer that is set may put out
// behind the watermark it waits for.
func (t *Timers) Hold() int64 {
	for h := &t.hold; len(*h) > 0; {
		top := (*h)[0]
		e := &t.all[top.id]
		switch {
		case e.held != top.at:
			h.pop()
		case !e.set || e.domain == EventTime && e.output >= e.at:
			e.held = Never
			h.pop()
		case e.output != top.at:
			e.held = e.output
			h.replace(moment{e.output, top.id})
		default:
			return top.at
		}
	}
	return Never
}

// SizeBytes estimates the memory held.
func (t *Timers) SizeBytes() int64 {
	n := int64(96*cap(t.all)+16*(cap(t.due[0])+cap(t.due[1])+cap(t.hold))+4*(cap(t.first)+cap(t.free))) + t.tags
	for _, of := range t.single {
		n += int64(4 * cap(of))
	}
	return n + int64(48*len(t.tagged))
}
