package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"time"
)

// measureAll runs every job with every number of cores, compares results, and
// prints the median of the runs.
func measureAll(ctx context.Context, o options) error {
	fmt.Println("| job | cores | rows in | rows out | wall s | CPU s | M rows/CPU-s | bar | Flink 2.0 |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, name := range o.jobs {
		j, err := find(name)
		if err != nil {
			return err
		}
		var first Measurement
		for i, cores := range o.cores {
			m, err := median(ctx, j, o, cores)
			if err != nil {
				return fmt.Errorf("%s on %d cores: %w", name, cores, err)
			}
			if i == 0 {
				first = m
			} else if err := same(first, m); err != nil {
				return fmt.Errorf("%s on %d cores and on %d: %w", name, o.cores[0], cores, err)
			}
			fmt.Printf("| %s | %d | %d | %d | %.2f | %.2f | %.2f | %s | %s |\n", name, cores, m.In, m.Out,
				m.Wall.Seconds(), m.CPU.Seconds(), m.Rate(), shown(j.bar), shown(j.flink))
		}
	}
	return nil
}

func shown(rate float64) string {
	if rate == 0 {
		return "–"
	}
	return fmt.Sprint(rate)
}

// same compares what two runs made of the same events.
func same(a, b Measurement) error {
	if a.In != b.In || a.Out != b.Out || a.Checksum != b.Checksum || a.Dropped != b.Dropped {
		return fmt.Errorf("results differ: %d rows in, %d out, checksum %x, %d dropped against %d, %d, %x, %d",
			a.In, a.Out, a.Checksum, a.Dropped, b.In, b.Out, b.Checksum, b.Dropped)
	}
	return nil
}

// median runs a job once to warm up and so many times more, and returns the run
// with the median CPU time.
func median(ctx context.Context, j job, o options, cores int) (Measurement, error) {
	config := Config{Job: j.name, Events: o.events, Cores: cores, Step: 1}
	warm, err := Run(ctx, config)
	if err != nil {
		return warm, err
	}
	stop, err := profiled(o.profile, fmt.Sprintf("%s-%d.pprof", j.name, cores))
	if err != nil {
		return warm, err
	}
	defer stop()
	runs := make([]Measurement, o.runs)
	for i := range runs {
		if runs[i], err = Run(ctx, config); err == nil {
			err = same(warm, runs[i])
		}
		if err != nil {
			return warm, err
		}
	}
	slices.SortFunc(runs, func(a, b Measurement) int { return cmp.Compare(a.CPU, b.CPU) })
	return runs[len(runs)/2], nil
}

// profiled writes a CPU profile until stop is called; without a folder nothing.
func profiled(folder, name string) (stop func(), err error) {
	if folder == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(folder, name))
	if err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, pprof.StartCPUProfile(f)
}

// soak runs each job for some minutes on the most cores and prints resident
// memory, sampled every second, as the mean of each twentieth of the time.
func soak(ctx context.Context, o options) error {
	length := time.Duration(o.minutes * float64(time.Minute))
	for _, name := range o.jobs {
		done := make(chan struct{})
		resident := make(chan []int64)
		go func() { resident <- sample(done) }()
		m, err := Run(ctx, Config{Job: name, Events: 1 << 60, Cores: slices.Max(o.cores), Step: 1, For: length})
		close(done)
		samples := <-resident
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("%s: %d rows in, %d out, %.1f s wall, %.1f s CPU, %.2f M rows/CPU-s\n", name, m.In, m.Out, m.Wall.Seconds(), m.CPU.Seconds(), m.Rate())
		fmt.Print("  resident MB over time:")
		for _, part := range parts(samples, 20) {
			fmt.Printf(" %d", part>>20)
		}
		fmt.Println()
	}
	return nil
}

// sample reads resident memory every second until done.
func sample(done <-chan struct{}) []int64 {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	samples := []int64{residentBytes()}
	for {
		select {
		case <-tick.C:
			samples = append(samples, residentBytes())
		case <-done:
			return samples
		}
	}
}

// parts returns the means of n equal parts of the samples.
func parts(samples []int64, n int) []int64 {
	n = min(n, len(samples))
	means := make([]int64, n)
	for i := range means {
		from, to := i*len(samples)/n, (i+1)*len(samples)/n
		for _, s := range samples[from:to] {
			means[i] += s / int64(to-from)
		}
	}
	return means
}
