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
