package floor

import (
	"math/rand/v2"
	"testing"
)

// Wherever a chunk begins, its windows hold the reports in [q − w, q): as many,
// with the same sums, as a look at every report gives; and the last one on a
// route is the latest, of equal times the later row.
func TestTrainingChunks(t *testing.T) {
	f := scatter(400)
	s := &trainingSet{flights: f}
	if err := s.sort(2); err != nil {
		t.Fatal(err)
	}
	c := newChunk(s)
	for _, size := range []int{1, 7, 400} {
		for from := 0; from < len(f.date); from += size {
			c.fill(from, min(len(f.date), from+size))
			lasts := c.routes.lasts
			for i := range c.to - from {
				for w, window := range trainingWindows {
					o, d := c.origins[w], c.destinations[w]
					got := [5]int64{o.counts[i], o.sums[i], o.lates[i], d.counts[i], d.sums[i]}
					origin, destination := f.look(f.origin, from+i, window.minutes), f.look(f.destination, from+i, window.minutes)
					if want := [5]int64{origin.count, origin.sum, origin.late, destination.count, destination.sum}; got != want {
						t.Fatalf("chunks of %d: row %d, %s: %v, must be %v", size, from+i, window.name, got, want)
					}
				}
				route := f.look(s.route, from+i, weekMinutes)
				got := seen{count: c.routes.counts[i], sum: c.routes.sums[i], late: route.late}
				if c.routes.present[i] == 1 {
					got.last, lasts = lasts[0], lasts[1:]
				}
				if got != route {
					t.Fatalf("chunks of %d: row %d, route: %+v, must be %+v", size, from+i, got, route)
				}
			}
		}
	}
}

type seen struct{ count, sum, late, last int64 }

// look goes through every report.
func (f *flights) look(keys []int32, row int, back int32) (s seen) {
	q, latest := f.departed[row], int32(-1)
	for i, t := range f.reported {
		if keys[i] != keys[row] || t < q-back || t >= q {
			continue
		}
		s.count++
		s.sum += f.delay[i]
		if f.delay[i] >= 15 {
			s.late++
		}
		if t >= latest {
			latest, s.last = t, f.delay[i]
		}
	}
	return s
}

// scatter makes flights between three airports with many equal times, and
// windows that end exactly at a report.
func scatter(n int) *flights {
	r := rand.New(rand.NewPCG(3, 4))
	f := &flights{airports: []string{"ATL", "ORD", "LAX"}}
	now := int32(weekMinutes)
	for range n {
		now += 15 * r.Int32N(4)
		delay := r.Int64N(50) - 20
		f.origin = append(f.origin, r.Int32N(3))
		f.destination = append(f.destination, r.Int32N(3))
		f.date = append(f.date, int64(now)*minuteMicros)
		f.delay = append(f.delay, delay)
		f.distance = append(f.distance, 100)
		f.departed = append(f.departed, now)
		f.reported = append(f.reported, now+15*(1+r.Int32N(20)))
		f.lastTime = max(f.lastTime, f.reported[len(f.reported)-1])
	}
	return f
}
