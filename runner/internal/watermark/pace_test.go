package watermark

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
)

// paced is a source in the making: what it has said, and what the rules say of it.
type paced struct {
	p       *Pace
	now     int64
	raised  int64 // the highest watermark
	said    int64
	idle    bool
	waiting bool
	waited  int64 // since something came
}

// hear checks what the source says against the rules.
func (s *paced) hear(t *rapid.T, said Say) {
	if said.Active {
		if !s.idle {
			t.Fatalf("active, and it was")
		}
		s.idle = false
	}
	if w := said.Watermark; w > batch.MinTime {
		if w <= s.said || w != s.raised {
			t.Fatalf("the watermark %d is said, after %d, with %d raised", w, s.said, s.raised)
		}
		s.said = w
	}
	if said.Idle {
		if s.idle {
			t.Fatalf("idle, and it was")
		}
		if s.said != s.raised {
			t.Fatalf("idle with the watermark %d not said, which is at %d", s.raised, s.said)
		}
		s.idle = true
	}
}

// Whatever happens, watermarks rise and are the highest there is, come at most once
// an interval, and are said no later than at its end; a source is idle when it was
// waited for long enough, no sooner and no later, and says all it has before.
func TestPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		every := rapid.SampledFrom([]int64{0, 0, 7, 20}).Draw(t, "every")
		idle := rapid.SampledFrom([]int64{0, 0, 5, 30}).Draw(t, "idle")
		s := &paced{p: NewPace(every, idle), raised: batch.MinTime, said: batch.MinTime}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if !s.waiting {
				switch rapid.IntRange(0, 3).Draw(t, "does") {
				case 0: // rows come
					s.hear(t, s.p.Came())
					s.waited = 0
					if w := rapid.Int64Range(0, 50).Draw(t, "watermark"); w > s.raised {
						s.raised = w
						overdue := s.p.Due() <= s.now // of one before, while the pipeline was busy
						say := s.p.Raise(w, s.now)
						s.hear(t, say)
						if now := say.Watermark > batch.MinTime; now != (every == 0 || overdue) || !now && s.p.Due() > s.now+every {
							t.Fatalf("at %d with an interval of %d it is said at once: %t, or due at %d", s.now, every, now, s.p.Due())
						}
					}
					if s.idle {
						t.Fatal("rows came and it is idle")
					}
				case 1:
					s.hear(t, s.p.SetIdle())
				case 2: // the pipeline is busy
					s.now += rapid.Int64Range(0, 40).Draw(t, "busy")
				case 3:
					s.p.Wait(s.now)
					s.waiting = true
				}
				continue
			}
			// Nothing comes for a while, or until something is due.
			step := rapid.Int64Range(0, 40).Draw(t, "nothing")
			if due := s.p.Due(); due < s.now+step {
				step = max(0, due-s.now)
			}
			s.now, s.waited = s.now+step, s.waited+step
			due := s.p.Due() <= s.now
			before := *s
			s.hear(t, s.p.Tick(s.now))
			if spoke := s.said != before.said || s.idle != before.idle; spoke != due {
				t.Fatalf("at %d something was due: %t, something was said: %t", s.now, due, spoke)
			}
			if must := idle > 0 && s.waited >= idle; must && !s.idle || s.idle && !before.idle && !must {
				t.Fatalf("it was waited for %d of %d, idle is %t", s.waited, idle, s.idle)
			}
			if every == 0 && s.said != s.raised {
				t.Fatalf("the watermark %d is not said", s.raised)
			}
			if rapid.Bool().Draw(t, "enough") {
				s.p.Waited(s.now)
				s.waiting = false
			}
		}
	})
}

// Watermarks that wait are said together, at the end of the interval.
func TestPaceIntervals(t *testing.T) {
	p := NewPace(10, 0)
	for _, c := range []struct{ now, raise, want, due int64 }{
		{3, 100, batch.MinTime, 10},
		{4, 101, batch.MinTime, 10},
		{10, 0, 101, batch.MaxTime},
		{20, 102, batch.MinTime, 30},
		{30, 0, 102, batch.MaxTime},
		{31, 103, batch.MinTime, 40},
		{45, 0, 103, batch.MaxTime},
		{46, 90, batch.MinTime, batch.MaxTime}, // not higher
	} {
		say := p.Tick(c.now)
		if c.raise > 0 {
			say = p.Raise(c.raise, c.now)
		}
		if say.Watermark != c.want || p.Due() != c.due {
			t.Errorf("at %d: %d is said and %d due, want %d and %d", c.now, say.Watermark, p.Due(), c.want, c.due)
		}
	}
	if at := endOfInterval(-13, 10); at != -10 {
		t.Errorf("before the epoch an interval ends at %d, want -10", at)
	}
}

// A reader is held when, and only when, an active reader is further behind than the
// bound; so one that is active always may go on. Every state of three readers.
func TestAlignmentExhaustive(t *testing.T) {
	var states []Input
	for _, s := range []State{Active, Idle, Finished} {
		for _, w := range []int64{batch.MinTime, 0, 5, 6, 11, batch.MaxTime} {
			states = append(states, Input{s, w})
		}
	}
	for i := range len(states) * len(states) * len(states) {
		a := &Alignment{Drift: 5}
		inputs := []Input{states[i%len(states)], states[i/len(states)%len(states)], states[i/len(states)/len(states)]}
		for range inputs {
			a.Add()
		}
		for k, in := range inputs {
			a.Set(k, in)
		}
		active, free := false, false
		for k, in := range inputs {
			want := false
			for _, other := range inputs {
				if other.State == Active && other.Watermark < batch.MaxTime && in.Watermark-other.Watermark > 5 {
					want = true
				}
			}
			if a.Holds(k) != want {
				t.Fatalf("%v: reader %d is held: %t, want %t", inputs, k, a.Holds(k), want)
			}
			if in.State == Active {
				active = true
				free = free || !want
			}
		}
		if active && !free {
			t.Fatalf("%v: nobody may go on", inputs)
		}
	}
}

// Readers that wait are told when the slowest has moved, and not for every step of
// another.
func TestAlignmentMoves(t *testing.T) {
	a := &Alignment{Drift: 5}
	slow, fast := a.Add(), a.Add()
	for _, c := range []struct {
		reader int
		in     Input
		moved  bool
	}{
		{fast, Input{Active, 3}, false},
		{slow, Input{Active, 1}, true},
		{fast, Input{Active, 4}, false},
		{slow, Input{Idle, 1}, true},
		{fast, Input{Active, 9}, true},
		{slow, Input{Active, 1}, true},
		{slow, Input{Finished, 0}, true},
	} {
		if got := a.Set(c.reader, c.in); got != c.moved {
			t.Errorf("reader %d is at %v: the slowest has moved: %t, want %t", c.reader, c.in, got, c.moved)
		}
	}
}
