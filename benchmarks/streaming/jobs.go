package main

import (
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/state"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// job is one pipeline of the benchmark.
type job struct {
	name  string
	what  string
	bar   float64 // million rows a CPU second; 0: none
	flink float64 // what Flink 2.0 did, the same; 0: not known
	// build makes the pipeline of one input stream.
	build func(in leat.PCollection[Event], out *checksum)
}

// The windows of the jobs.
const (
	tumblingSize  = time.Second
	slidingSize   = 60 * time.Second
	slidingPeriod = time.Second
	sessionGap    = 100 * time.Millisecond
)

var jobs = []job{
	{"null", "read and consume, nothing else", 0, 0, func(in leat.PCollection[Event], out *checksum) {
		leat.Write(in, "out", out)
	}},
	{"map", "a map and a filter, both closures", 20, 5.6, func(in leat.PCollection[Event], out *checksum) {
		doubled := leat.Map(in, "double", double)
		leat.Write(leat.Filter(doubled, "some", some), "out", out)
	}},
	{"sum", "running count and sum by key, a result a row, by a trigger", 5, 0.6, func(in leat.PCollection[Event], out *checksum) {
		each := leat.Window(in, window.Global(), leat.Trigger(window.Repeat(window.AfterCount(1))), leat.Accumulation(window.Accumulating),
			leat.OnTimeBehavior(window.FireIfNonEmpty))
		leat.Write(combined(each), "out", out)
	}},
	{"stateful", "running count and sum by key, a result a row, by a function with a value cell", 2, 0.6, func(in leat.PCollection[Event], out *checksum) {
		leat.Write(leat.ParDo(keyed(in), "running", &running{}), "out", out)
	}},
	{"tumbling", "count and sum by key in windows of 1 s", 5, 1.5, func(in leat.PCollection[Event], out *checksum) {
		leat.Write(combined(leat.Window(in, window.Fixed(tumblingSize))), "out", out)
	}},
	{"sliding", "count and sum by key in windows of 60 s every 1 s", 3, 0.025, func(in leat.PCollection[Event], out *checksum) {
		leat.Write(combined(leat.Window(in, window.Sliding(slidingSize, slidingPeriod))), "out", out)
	}},
	{"session", "count and sum by key in sessions with a gap of 100 ms", 2, 0.18, func(in leat.PCollection[Event], out *checksum) {
		leat.Write(combined(leat.Window(in, window.Session(sessionGap))), "out", out)
	}},
	{"interval", "pairs of events of a key within 30 µs of each other", 1, 0, interval},
}

func double(e Event) Event {
	e.Value *= 2
	return e
}

func some(e Event) bool { return e.Value%3 != 0 }

// Stats is what is aggregated.
type Stats struct {
	Count int64 `leat:"count"`
	Sum   int64 `leat:"sum"`
}

// running is a stateful function: it keeps what a key has so far.
type running struct{ Sofar state.Value[Stats] }

// Process implements leat.DoFn.
func (r *running) Process(_ *leat.Context, in leat.KV[int64, Event], emit leat.Emit[leat.KV[int64, Stats]]) error {
	s := r.Sofar.Get()
	s = Stats{s.Count + 1, s.Sum + in.Value.Value}
	r.Sofar.Write(s)
	emit(leat.KV[int64, Stats]{Key: in.Key, Value: s})
	return nil
}

func keyed(in leat.PCollection[Event]) leat.PCollection[leat.KV[int64, Event]] {
	return leat.KeyBy(in, "by-key", field.Of(func(e *Event) *int64 { return &e.Key }))
}

func combined(in leat.PCollection[Event]) leat.PCollection[leat.KV[int64, Stats]] {
	return leat.Combine(keyed(in), "stats", agg.Into(func(e *Event, s *Stats) []agg.Term {
		return []agg.Term{agg.Count(&s.Count), agg.Sum(&s.Sum, &e.Value)}
	}))
}

// read adds an input to a pipeline.
func read(p *leat.Pipeline, name string, s source) leat.PCollection[Event] {
	return leat.Read(p, name, s, leat.EventTimeField(func(e *Event) *time.Time { return &e.At }, watermark.Disorder(lateMost*time.Microsecond)))
}
