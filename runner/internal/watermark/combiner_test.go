package watermark

import (
	"fmt"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
)

// model is what is known of the inputs, with the rule of the package comment
// said once more in the plainest words.
type model struct {
	states  []State
	marks   []int64
	current int64
}

func (m *model) combine() int64 {
	lowest, finished, active := batch.MaxTime, 0, false
	for i, s := range m.states {
		switch s {
		case Active:
			active = true
			lowest = min(lowest, m.marks[i])
		case Finished:
			finished++
		}
	}
	if finished == len(m.states) {
		lowest = batch.MaxTime
	} else if !active {
		lowest = batch.MinTime // nobody says anything
	}
	m.current = max(m.current, lowest)
	return m.current
}

// event is one call: input i advances to w, goes idle, or finishes.
type event struct {
	input int
	state State
	w     int64
}

func (e event) String() string {
	return [...]string{fmt.Sprintf("%d→%d", e.input, e.w), fmt.Sprintf("%d idle", e.input), fmt.Sprintf("%d ends", e.input)}[e.state]
}

func events(inputs int) (all []event) {
	for i := range inputs {
		all = append(all, event{i, Idle, 0}, event{i, Finished, 0})
		for w := range int64(3) {
			all = append(all, event{i, Active, w})
		}
	}
	return all
}

func (m *model) apply(e event) {
	switch {
	case m.states[e.input] == Finished:
	case e.state == Active:
		m.states[e.input], m.marks[e.input] = Active, max(m.marks[e.input], e.w)
	default:
		m.states[e.input] = e.state
	}
}

// Every sequence of up to six calls on one to three inputs gives what the rule
// says: the combined watermark never goes back, idle inputs neither hold it nor
// let it jump, and it is at the end of time when, and only when, all have ended.
func TestCombinerExhaustive(t *testing.T) {
	for inputs, depth := range map[int]int{1: 6, 2: 5, 3: 4} {
		walk(t, inputs, events(inputs), nil, depth)
	}
}

func walk(t *testing.T, inputs int, all, path []event, depth int) {
	replay(t, inputs, path)
	if depth == 0 {
		return
	}
	for _, e := range all {
		walk(t, inputs, all, append(path[:len(path):len(path)], e), depth-1)
	}
}

// replay applies the calls of path and checks the answer to the last.
func replay(t *testing.T, inputs int, path []event) {
	c := NewCombiner(inputs)
	m := &model{states: make([]State, inputs), marks: make([]int64, inputs), current: batch.MinTime}
	for i := range m.marks {
		m.marks[i] = batch.MinTime
	}
	for i, e := range path {
		before := m.current
		m.apply(e)
		want := m.combine()
		var got int64
		var rose bool
		switch e.state {
		case Active:
			got, rose = c.Advance(e.input, e.w)
		case Idle:
			got, rose = c.SetIdle(e.input)
		case Finished:
			got, rose = c.Finish(e.input)
		}
		if got != want || rose != (want > before) || c.Current() != want {
			t.Fatalf("%d inputs, after %v: watermark %d, rose %t, current %d; want %d, %t", inputs, path[:i+1], got, rose, c.Current(), want, want > before)
		}
		if c.Done() != (got == batch.MaxTime) {
			t.Fatalf("%d inputs, after %v: done is %t with watermark %d", inputs, path[:i+1], c.Done(), got)
		}
	}
}

// An input that has ended no longer counts: those left decide alone, and one of
// them going idle does not end time.
func TestCombinerFinishedAndIdle(t *testing.T) {
	c := NewCombiner(2)
	c.Advance(0, 5)
	if w, rose := c.Finish(1); w != 5 || !rose {
		t.Errorf("with one input ended the watermark is %d, rose %t; want 5, true", w, rose)
	}
	if w, rose := c.SetIdle(0); w != 5 || rose {
		t.Errorf("with the other idle it is %d, rose %t; want 5, false", w, rose)
	}
	if w, rose := c.Finish(0); w != batch.MaxTime || !rose {
		t.Errorf("with both ended it is %d, rose %t; want the end of time", w, rose)
	}
}
