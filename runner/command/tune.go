package command

import (
	"os"
	"runtime/debug"
)

// Tune sets this process up for batch work, trading memory for time where the
// user has not chosen otherwise. Programs that call local.Run themselves may
// want the same; the library never does it on its own.
//
//   - The garbage collector's target goes to 400 %, unless GOGC is set: batches
//     make much garbage and little live heap.
//   - With a memory budget (bytes; 0: none) the runtime's limit becomes one and a
//     half times the budget and 64 MB, unless GOMEMLIMIT is set.
//   - Where the system gives huge pages to those who ask, the heap asks for
//     them: see adviseHugePages.
//
// Call it once, early.
func Tune(memory int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	limit := memory + memory/2 + 64<<20
	if memory > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
	if memory == 0 || limit > heapAdvised {
		limit = heapAdvised
	}
	adviseHugePages(limit)
}

// heapAdvised is how much of the heap's address space is advised at most. It is
// address space only: what is never used costs nothing.
const heapAdvised = 2 << 30
