package watermark

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
)

// event is one call: input i advances to w, goes idle, becomes active or
// finishes; or an input is added, or no more will be.
type event struct {
	kind  kind
	input int
	w     int64
}

type kind uint8

const (
	advance kind = iota
	idle
	active
	finish
	add
	seal
)

func (e event) String() string {
	switch e.kind {
	case advance:
		return fmt.Sprintf("%d→%d", e.input, e.w)
	case add, seal:
		return [...]string{add: "add", seal: "seal"}[e.kind]
	}
	return fmt.Sprintf("%d %s", e.input, [...]string{idle: "idle", active: "active", finish: "ends"}[e.kind])
}

// candidates are the watermarks that occur, besides those of the events.
var candidates = []int64{batch.MinTime, 0, 1, 2, batch.MaxTime}

// The specification, from what was said and no more. A watermark may be announced
// when nobody who counts is below it: those who are active; when nobody is, any
// one of those who were stands for all of them; when all have finished, nobody is
// left to be below it. The highest such watermark is announced, and none below
// one announced before. Whoever has said the end of time has finished.
type specification struct {
	said      [][]event // by input, in order
	open      bool
	announced int64
}

func (s *specification) state(i int) (state State, w int64) {
	w = batch.MinTime
	for _, e := range s.said[i] {
		switch {
		case state == Finished:
		case e.kind == advance:
			state, w = Active, max(w, e.w)
		default:
			state = [...]State{idle: Idle, active: Active, finish: Finished}[e.kind]
		}
	}
	if w == batch.MaxTime {
		state = Finished
	}
	return state, w
}

func (s *specification) may(candidate int64) (ok bool, together State) {
	var below, above [3]int // by state
	for i := range s.said {
		if state, w := s.state(i); w < candidate {
			below[state]++
		} else {
			above[state]++
		}
	}
	switch {
	case below[Active]+above[Active] > 0:
		return below[Active] == 0, Active
	case below[Idle]+above[Idle] > 0, s.open:
		return above[Idle]+above[Finished]-s.ends() > 0, Idle
	}
	return true, Finished
}

// ends counts those who have said the end of time: it is theirs alone.
func (s *specification) ends() (n int) {
	for i := range s.said {
		if _, w := s.state(i); w == batch.MaxTime {
			n++
		}
	}
	return n
}

func (s *specification) apply(e event) (w int64, together State) {
	switch e.kind {
	case add:
		s.said = append(s.said, nil)
	case seal:
		s.open = false
	default:
		s.said[e.input] = append(s.said[e.input], e)
	}
	for _, candidate := range candidates {
		ok, state := s.may(candidate)
		if together = state; ok {
			s.announced = max(s.announced, candidate)
		}
	}
	return s.announced, together
}

// ended reports whether every input was told to finish and no other can come.
func (s *specification) ended() bool {
	for _, said := range s.said {
		if !slices.ContainsFunc(said, func(e event) bool { return e.kind == finish }) {
			return false
		}
	}
	return !s.open
}

func (c *Combiner) apply(e event) Change {
	switch e.kind {
	case advance:
		return c.Advance(e.input, e.w)
	case idle:
		return c.SetIdle(e.input)
	case active:
		return c.SetActive(e.input)
	case finish:
		return c.Finish(e.input)
	case seal:
		return c.Seal()
	}
	before := Change{Watermark: c.Current(), State: c.State()}
	c.Add()
	return Change{c.Current(), c.Current() > before.Watermark, c.State(), c.State() != before.State}
}

// of lists everything that n inputs can say.
func of(n int) (all []event) {
	for i := range n {
		all = append(all, event{idle, i, 0}, event{active, i, 0}, event{finish, i, 0},
			event{advance, i, 0}, event{advance, i, 1}, event{advance, i, 2}, event{advance, i, batch.MaxTime})
	}
	return all
}

// walk checks every sequence of so many events against the specification.
func walk(t *testing.T, inputs int, open bool, path []event, depth int) (sequences int) {
	if len(path) > 0 {
		replay(t, inputs, open, path)
		sequences++
	}
	if depth == 0 {
		return sequences
	}
	next := of(inputs)
	if open {
		added, sealed := 0, slices.Contains(path, event{kind: seal})
		for _, e := range path {
			if e.kind == add {
				added++
			}
		}
		next = of(inputs + added)
		if !sealed {
			next = append(next, event{kind: add}, event{kind: seal})
		}
	}
	for _, e := range next {
		sequences += walk(t, inputs, open, append(path[:len(path):len(path)], e), depth-1)
	}
	return sequences
}

// replay applies the events of path and checks the answer to the last; those
// before it were checked as sequences of their own.
func replay(t *testing.T, inputs int, open bool, path []event) {
	c, s := NewCombiner(inputs), &specification{said: make([][]event, inputs), announced: batch.MinTime}
	if open {
		c, s.open = NewOpenCombiner(), true
	}
	last := len(path) - 1
	for _, e := range path[:last] {
		c.apply(e)
		s.apply(e)
	}
	before, stateBefore := c.Current(), c.State()
	w, state := s.apply(path[last])
	want := Change{w, w > before, state, state != stateBefore}
	if got := c.apply(path[last]); got != want || c.Current() != w || c.State() != state || c.Done() != s.ended() {
		t.Fatalf("%d inputs, open %t, after %v: %+v, done %t; want %+v, %t", inputs, open, path, got, c.Done(), want, s.ended())
	}
}

// Every sequence of events on one to four inputs, and on a set that grows, gives
// what the specification says.
func TestCombinerExhaustive(t *testing.T) {
	n := 0
	for inputs, depth := range map[int]int{0: 1, 1: 6, 2: 5, 3: 4, 4: 3} {
		n += walk(t, inputs, false, nil, depth)
	}
	n += walk(t, 0, true, nil, 6)
	if n < 500_000 {
		t.Errorf("only %d sequences were tried", n)
	}
	t.Logf("%d sequences of events", n)
}

// Which input says its part first makes no difference, as long as nobody comes
// back from being idle: every combination of states and watermarks of four inputs,
// said in every order, ends at the same watermark.
func TestCombinerOrder(t *testing.T) {
	ways := [][]event{
		{{advance, 0, 0}}, {{advance, 0, 2}}, {{idle, 0, 0}}, {{finish, 0, 0}},
		{{advance, 0, 1}, {idle, 0, 0}}, {{advance, 0, 2}, {finish, 0, 0}}, {{advance, 0, batch.MaxTime}},
	}
	for code := range len(ways) * len(ways) * len(ways) * len(ways) {
		var chosen [4][]event
		for i, rest := 0, code; i < 4; i, rest = i+1, rest/len(ways) {
			for _, e := range ways[rest%len(ways)] {
				e.input = i
				chosen[i] = append(chosen[i], e)
			}
		}
		first, known := int64(0), false
		for _, order := range permutations([]int{0, 1, 2, 3}) {
			c := NewCombiner(4)
			for _, i := range order {
				for _, e := range chosen[i] {
					c.apply(e)
				}
			}
			if known && c.Current() != first {
				t.Fatalf("%v in the order %v gives %d, in another %d", chosen, order, c.Current(), first)
			}
			first, known = c.Current(), true
		}
	}
}

func permutations(of []int) (all [][]int) {
	if len(of) == 0 {
		return [][]int{nil}
	}
	for i, first := range of {
		rest := append(slices.Clone(of[:i]), of[i+1:]...)
		for _, p := range permutations(rest) {
			all = append(all, append([]int{first}, p...))
		}
	}
	return all
}

// The defects that others have had, one by one.
func TestCombinerKnownDefects(t *testing.T) {
	t.Run("one has finished and the other goes idle: time does not end", func(t *testing.T) {
		for _, end := range []event{{finish, 1, 0}, {advance, 1, batch.MaxTime}} {
			c := NewCombiner(2)
			c.Advance(0, 10)
			c.apply(end)
			if got := c.SetIdle(0); got.Watermark != 10 || got.Rose || got.State != Idle {
				t.Errorf("after %v: %+v", end, got)
			}
			c.SetActive(0)
			if got := c.Advance(0, 11); got.Watermark != 11 || !got.Rose {
				t.Errorf("after %v the other goes on: %+v", end, got)
			}
		}
	})
	t.Run("an idle input delivers its end", func(t *testing.T) {
		c := NewCombiner(2)
		c.SetIdle(0)
		c.Finish(1)
		if got := c.Finish(0); got.Watermark != batch.MaxTime || got.State != Finished || !c.Done() {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a split that is found late counts, and moves nothing back", func(t *testing.T) {
		c := NewOpenCombiner()
		a := c.Add()
		c.Advance(a, 10)
		b := c.Add()
		if got := c.Advance(a, 20); got.Watermark != 10 || got.Rose {
			t.Errorf("the watermark did not wait for the new split: %+v", got)
		}
		if got := c.Advance(b, 5); got.Watermark != 10 {
			t.Errorf("the watermark went back: %+v", got)
		}
		if got := c.Advance(b, 15); got.Watermark != 15 || !got.Rose {
			t.Errorf("the new split does not count: %+v", got)
		}
	})
	t.Run("all splits have been given back, and others come", func(t *testing.T) {
		c := NewOpenCombiner()
		a := c.Add()
		c.Advance(a, 10)
		if got := c.Finish(a); got.Watermark != 10 || got.State != Idle || c.Done() {
			t.Errorf("%+v", got)
		}
		if got := c.Advance(c.Add(), 12); got.Watermark != 12 || got.State != Active {
			t.Errorf("%+v", got)
		}
		c.Finish(1)
		if got := c.Seal(); got.Watermark != batch.MaxTime || !c.Done() {
			t.Errorf("%+v", got)
		}
	})
}
