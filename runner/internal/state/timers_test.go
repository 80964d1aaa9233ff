package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// naiveTimers is what Timers should do, without heaps.
type naiveTimers map[timerKey]Firing

type timerKey struct {
	slot, number int32
	tag          string
}

func (n naiveTimers) next(number int32) int64 {
	next := int64(Never)
	for k, f := range n {
		if k.number == number {
			next = min(next, f.At)
		}
	}
	return next
}

func (n naiveTimers) hold() int64 {
	hold := int64(Never)
	for k, f := range n {
		if k.number == 1 || f.Output < f.At {
			hold = min(hold, f.Output)
		}
	}
	return hold
}

// Timers that are set, cleared, moved and dropped in any order fire when a list of
// them says, and hold what it says. Timer 0 is in event time, timer 1 in processing
// time.
func TestTimersAgainstList(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 5))
		timers, naive := NewTimers(2), naiveTimers{}
		domains := []Domain{EventTime, ProcessingTime}
		now := []int64{0, 0}
		for range 300 {
			k := timerKey{r.Int32N(5), r.Int32N(2), []string{"", "", "a", "b"}[r.IntN(4)]}
			switch r.IntN(10) {
			case 0, 1, 2, 3, 4:
				at := now[k.number] + r.Int64N(30) - 3
				output := at - max(0, r.Int64N(12)-6)
				timers.Set(k.slot, k.number, k.tag, domains[k.number], at, output)
				naive[k] = Firing{k.slot, k.number, k.tag, at, output}
			case 5:
				timers.Clear(k.slot, k.number, k.tag)
				delete(naive, k)
			case 6:
				timers.Drop(k.slot)
				for other := range naive {
					if other.slot == k.slot {
						delete(naive, other)
					}
				}
			default:
				now[k.number] += r.Int64N(8)
				fireBoth(t, timers, naive, domains[k.number], k.number, now[k.number])
			}
			for number, d := range domains {
				if got, want := timers.Next(d), naive.next(int32(number)); got != want {
					t.Fatalf("seed %d: the next timer of %d is at %d, not %d", seed, number, got, want)
				}
			}
			if got, want := timers.Hold(), naive.hold(); got != want {
				t.Fatalf("seed %d: hold is %d, not %d", seed, got, want)
			}
			any := false
			for other := range naive {
				any = any || other.slot == k.slot
			}
			if timers.Any(k.slot) != any || timers.Len() != len(naive) {
				t.Fatalf("seed %d: slot %d has timers: %t, %d are set, not %d", seed, k.slot, !any, timers.Len(), len(naive))
			}
		}
	}
}

// fireBoth takes what fires until now from both, and compares.
func fireBoth(t *testing.T, timers *Timers, naive naiveTimers, d Domain, number int32, now int64) {
	t.Helper()
	text := func(f Firing) string { return fmt.Sprintf("%+v", f) }
	for at := timers.Next(d); at <= now; at = timers.Next(d) {
		var got, want []string
		for _, f := range timers.Take(d, at, nil) {
			got = append(got, text(f))
		}
		for k, f := range naive {
			if k.number == number && f.At == at {
				want = append(want, text(f))
				delete(naive, k)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("at %d: got %q, want %q", at, got, want)
		}
	}
}

// Moving a timer on for every row keeps one entry, and so do many tags that are
// cleared: the memory follows the timers that are set.
func TestTimersMoved(t *testing.T) {
	timers := NewTimers(1)
	for i := range int64(100_000) {
		timers.Set(3, 0, "", EventTime, 1000+i, 900+i)
		timers.Set(3, 0, fmt.Sprint(i), EventTime, 1000+i, 900+i)
		timers.Clear(3, 0, fmt.Sprint(i))
		if i%100 == 0 {
			timers.Next(EventTime)
			timers.Hold()
		}
	}
	if size := timers.SizeBytes(); size > 64<<10 {
		t.Errorf("%d bytes are held for one timer", size)
	}
}
