package checkpoint

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

// flinkCase is a case of flink.json about barriers, in its words.
type flinkCase struct {
	Name, Kind, Why string
	Config          struct {
		Channels    int
		AtLeastOnce bool `json:"at_least_once"`
	}
	Events []struct {
		Op      string
		Channel int
		ID      int64
	}
	Expected []struct {
		After             int
		Blocked           []int `json:"blocked_channels"`
		Snapshot, Aborted []int64
	}
}

// The cases of Flink about barriers.
func TestFlinkBarriers(t *testing.T) {
	text, err := os.ReadFile("../../local/testdata/conformance/flink.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []flinkCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	passed, failed := 0, 0
	for _, c := range cases {
		if c.Kind != "barriers" {
			continue
		}
		a := NewAlignment(c.Config.Channels)
		a.AtLeastOnce = c.Config.AtLeastOnce
		good := len(c.Expected) == len(c.Events)
		for i, e := range c.Events {
			var o Outcome
			switch e.Op {
			case "data":
			case "barrier":
				o = a.Barrier(e.Channel, e.ID)
			case "cancel":
				o = a.Cancel(e.ID)
			default:
				t.Fatalf("%s: event %s", c.Name, e.Op)
			}
			got := fmt.Sprintf("blocked %v, snapshot %v, aborted %v", held(a), taken(o), o.Aborted)
			x := c.Expected[i]
			if want := fmt.Sprintf("blocked %v, snapshot %v, aborted %v", x.Blocked, x.Snapshot, x.Aborted); got != want || x.After != i {
				good = false
				t.Errorf("%s (%s), event %d\n  expected %s\n  actual   %s", c.Name, c.Why, i, want, got)
			}
		}
		if good {
			passed++
		} else {
			failed++
		}
	}
	t.Logf("%d passed, %d failed", passed, failed)
	if passed+failed != 4 {
		t.Errorf("%d cases were tried, want 4", passed+failed)
	}
}

func held(a *Alignment) (held []int) {
	for c := range a.channels {
		if a.Held(c) {
			held = append(held, c)
		}
	}
	return held
}

func taken(o Outcome) []int64 {
	if o.Snapshot == 0 {
		return nil
	}
	return []int64{o.Snapshot}
}

// message is what a channel carries: a row, 0, or a barrier.
type message int64

// world is a task in the middle of its channels.
type world struct {
	channels [][]message
	read     []int // messages taken from each channel
	closed   []bool
	a        *Alignment
	taken    []int64
}

func (w *world) clone() *world {
	a := *w.a
	a.channels = slices.Clone(a.channels)
	return &world{w.channels, slices.Clone(w.read), slices.Clone(w.closed), &a, slices.Clone(w.taken)}
}

// step takes the next message of a channel, or its end.
func (w *world) step(t *testing.T, c int) {
	var o Outcome
	if w.read[c] == len(w.channels[c]) {
		w.closed[c] = true
		o = w.a.Close(c)
	} else {
		m := w.channels[c][w.read[c]]
		w.read[c]++
		if m > 0 {
			o = w.a.Barrier(c, int64(m))
		}
	}
	if o.Snapshot == 0 {
		return
	}
	w.taken = append(w.taken, o.Snapshot)
	for c, messages := range w.channels {
		at := slices.Index(messages, message(o.Snapshot))
		if at < 0 {
			at = len(messages) // it ended without
		} else {
			at++
		}
		if w.read[c] != at {
			t.Fatalf("%v: snapshot %d is taken at message %d of channel %d, and its barrier is at %d", w.channels, o.Snapshot, w.read[c], c, at-1)
		}
	}
}

// explore takes messages in every order there is.
func (w *world) explore(t *testing.T, want []int64) (orders int) {
	stuck, over := true, true
	for c := range w.channels {
		if w.closed[c] {
			continue
		}
		over = false
		if w.a.Held(c) {
			continue
		}
		stuck = false
		next := w.clone()
		next.step(t, c)
		orders += next.explore(t, want)
	}
	switch {
	case over:
		if !slices.Equal(w.taken, want) {
			t.Fatalf("%v: the snapshots are %v, want %v", w.channels, w.taken, want)
		}
		return 1
	case stuck:
		t.Fatalf("%v: every channel is held, at %v", w.channels, w.read)
	}
	return orders
}

// In whatever order the channels are read, each snapshot holds exactly the rows
// before its barriers, none is left out, and the task is never stuck. Channels that
// end early are not waited for.
func TestEveryOrder(t *testing.T) {
	orders := 0
	for _, channels := range [][][]message{
		{{0, 1, 0, 2, 0}},
		{{0, 1, 0, 2, 0}, {0, 0, 1, 2}},
		{{1, 2, 0}, {0, 1, 0, 2}, {0, 1, 2}},
		{{0, 1, 0, 2}, {0}, {1, 0}},
		{{}, {0, 1, 0}, {1, 2, 3}},
	} {
		var want []int64
		for _, m := range slices.Concat(channels...) {
			if m > 0 && !slices.Contains(want, int64(m)) {
				want = append(want, int64(m))
			}
		}
		slices.Sort(want)
		w := &world{channels: channels, read: make([]int, len(channels)), closed: make([]bool, len(channels)), a: NewAlignment(len(channels))}
		orders += w.explore(t, want)
	}
	if orders < 4_000 {
		t.Errorf("only %d orders were tried", orders)
	}
	t.Logf("%d orders", orders)
}

// A barrier that comes while an earlier checkpoint is aligned gives that up, and a
// checkpoint that was given up stays so.
func TestSubsumedAndCancelled(t *testing.T) {
	a := NewAlignment(2)
	a.Barrier(0, 1)
	if o := a.Barrier(1, 2); o.Snapshot != 0 || !slices.Equal(o.Aborted, []int64{1}) || !slices.Equal(held(a), []int{1}) {
		t.Errorf("a later barrier: %+v, held %v", o, held(a))
	}
	if o := a.Barrier(0, 1); o.Snapshot != 0 || o.Aborted != nil || a.Held(0) {
		t.Errorf("a barrier of a checkpoint that was given up: %+v", o)
	}
	if o := a.Cancel(3); !slices.Equal(o.Aborted, []int64{2, 3}) || held(a) != nil {
		t.Errorf("a later checkpoint is given up: %+v, held %v", o, held(a))
	}
	if o := a.Cancel(2); o.Aborted != nil {
		t.Errorf("an earlier one is given up again: %+v", o)
	}
	a.Barrier(0, 4)
	if o := a.Close(1); o.Snapshot != 4 || held(a) != nil {
		t.Errorf("the channel that was waited for ends: %+v, held %v", o, held(a))
	}
}
