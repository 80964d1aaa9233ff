package main

import (
	"context"
	"runtime"
	"time"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// Config is one run of a job.
type Config struct {
	Job    string
	Events int64
	Cores  int           // GOMAXPROCS and parallelism
	Step   int64         // µs of event time from one event to the next
	For    time.Duration // stop reading after so long; 0: at the last event
	// BatchRows is the number of rows of a batch; 0: the engine's.
	BatchRows int
}

// Measurement is what a run did.
type Measurement struct {
	In, Out   int64 // rows
	Checksum  uint64
	Dropped   int64
	Wall, CPU time.Duration
}

// Rate returns million input rows a CPU second.
func (m Measurement) Rate() float64 { return float64(m.In) / 1e6 / m.CPU.Seconds() }

// Run runs one job.
func Run(ctx context.Context, c Config) (Measurement, error) {
	j, err := find(c.Job)
	if err != nil {
		return Measurement{}, err
	}
	p := &leat.Pipeline{}
	var out checksum
	from := source{stream: newStream(1, c.Step), events: c.Events, splits: c.Cores}
	if c.For > 0 {
		from.until = time.Now().Add(c.For)
	}
	j.build(read(p, "events", from), &out)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(c.Cores))
	runtime.GC()
	cpu, start := cpuTime(), time.Now()
	result, err := local.Run(ctx, p, local.Options{Plan: local.Streaming, Parallelism: c.Cores, BatchRows: c.BatchRows})
	if err != nil {
		return Measurement{}, err
	}
	m := Measurement{Wall: time.Since(start), CPU: cpuTime() - cpu, Out: out.rows, Checksum: out.sum}
	for _, s := range result.Sources {
		m.In += s.Rows
	}
	for _, s := range result.Steps {
		m.Dropped += s.Dropped
	}
	return m, nil
}
