package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"

	runner "github.com/leatflow/leat/runner/command"
)

// Task is one run: what a child is asked to do.
type Task struct {
	System, Job, Variant string
	Threads              int
	Input                string // file
	Side                 string // the file to join it with; empty: none
	Memory               int64  // budget, bytes; 0: all there is
	Output               string // empty folder for the result, Parquet
	Python               string // with Polars
	Profile              string // file for a CPU profile; empty: none
}

// Measurement is what a child has to say.
type Measurement struct {
	Wall    time.Duration // of the job
	CPU     time.Duration // of the job, all threads
	Peak    int64         // peak resident memory of the process, bytes
	Process time.Duration // wall time of the process, its start included
}

// childVariable holds the task of a process that is a child.
const childVariable = "LEAT_BACKFILL_TASK"

func isChild() bool { return os.Getenv(childVariable) != "" }

// childMain runs the task given in the environment and prints its measurement.
func childMain() int {
	var t Task
	var m Measurement
	err := json.Unmarshal([]byte(os.Getenv(childVariable)), &t)
	if err == nil {
		m, err = measure(t)
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(m)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func measure(t Task) (Measurement, error) {
	s, err := find(t)
	if err != nil {
		return Measurement{}, err
	}
	runtime.GOMAXPROCS(t.Threads)
	runner.Tune(t.Memory)
	job, err := s.prepare(t)
	if err != nil {
		return Measurement{}, err
	}
	stop, err := profile(t.Profile)
	if err != nil {
		return Measurement{}, err
	}
	defer stop()
	cpu, start := cpuTime(), time.Now()
	if err := job(context.Background()); err != nil {
		return Measurement{}, err
	}
	m := Measurement{Wall: time.Since(start), CPU: cpuTime() - cpu}
	m.Peak, err = peakBytes()
	return m, err
}

// profile starts a CPU profile of what is Go: the floor and Leat.
func profile(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	stop = func() {
		pprof.StopCPUProfile()
		f.Close()
	}
	return stop, pprof.StartCPUProfile(f)
}

// spawn runs a task in a child.
func spawn(ctx context.Context, t Task) (Measurement, error) {
	var m Measurement
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return m, err
	}
	s, err := find(t)
	if err != nil {
		return m, err
	}
	var out, failure bytes.Buffer
	child := exec.CommandContext(ctx, self)
	child.Env = append(os.Environ(), childVariable+"="+string(text))
	if s.command != nil {
		child = s.command(ctx, t)
	}
	child.Stdout, child.Stderr = &out, &failure
	start := time.Now()
	if err := child.Run(); err != nil {
		return m, fmt.Errorf("%s: %s, %d threads: %w: %s", t.System, t.Job, t.Threads, err, strings.TrimSpace(failure.String()))
	}
	process := time.Since(start)
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		return m, fmt.Errorf("%s: %s: what the child said is no measurement: %w: %s", t.System, t.Job, err, out.String())
	}
	m.Process = process
	return m, nil
}

// cpuTime is user and system time of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakBytes is the peak resident memory of this process. Linux carries
// getrusage's figure over from the parent into a child, so it is read from
// where exec does reset it.
func peakBytes() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		var u syscall.Rusage
		err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return u.Maxrss, err // bytes on Darwin
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10, nil
		}
	}
	return 0, fmt.Errorf("no VmHWM in /proc/self/status")
}
