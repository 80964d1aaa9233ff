package main

import (
	"testing"
	"time"
)

// Every job gives, for any number of tasks and size of batches, what a loop over
// single events gives that knows nothing of the engine.
func TestResults(t *testing.T) {
	const events, step = 40_000, 500 // 20 s of event time
	s := newStream(1, step)
	for _, j := range jobs {
		t.Run(j.name, func(t *testing.T) {
			want := oracles[j.name](s, events)
			if want.rows == 0 {
				t.Fatal("there is nothing to compare")
			}
			for _, c := range []Config{{Cores: 1}, {Cores: 2}, {Cores: 3, BatchRows: 100}} {
				c.Job, c.Events, c.Step = j.name, events, step
				m, err := Run(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				if m.In != events || m.Dropped != 0 {
					t.Errorf("%+v: %d rows read and %d dropped, want %d and none", c, m.In, m.Dropped, events)
				}
				if m.Out != want.rows || m.Checksum != want.sum {
					t.Errorf("%+v: %d rows with checksum %x, want %d with %x", c, m.Out, m.Checksum, want.rows, want.sum)
				}
			}
		})
	}
}

// A run that is bounded in time ends by itself, having read something.
func TestFor(t *testing.T) {
	m, err := Run(t.Context(), Config{Job: "tumbling", Events: 1 << 60, Cores: 2, Step: 1, For: 50 * time.Millisecond})
	if err != nil || m.In == 0 || m.Out == 0 || m.Wall > 20*time.Second {
		t.Errorf("%+v, %v", m, err)
	}
}

// What is asked for on the command line is checked.
func TestParse(t *testing.T) {
	for _, args := range [][]string{{"jump"}, {"-cores", "0"}, {"-cores", "x"}, {"-runs", "0"}, {"-events", "0"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
	o, err := parse([]string{"map", "-cores", "2", "session", "-runs", "1"})
	if err != nil || len(o.jobs) != 2 || len(o.cores) != 1 || o.runs != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err = parse(nil); err != nil || len(o.jobs) != len(jobs) {
		t.Errorf("%+v, %v", o, err)
	}
}
