//go:build !unix

package main

import (
	"runtime"
	"time"
)

var started = time.Now()

// cpuTime stands in where the system has no getrusage: wall time, on as many
// processors as there are.
func cpuTime() time.Duration { return time.Since(started) * time.Duration(runtime.GOMAXPROCS(0)) }

// residentBytes stands in for resident memory.
func residentBytes() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}
