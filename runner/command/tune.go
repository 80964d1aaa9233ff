package command

import (
	"os"
	"runtime/debug"
	"sync/atomic"
)

// Tune sets this process up for batch work. Programs that call local.Run
// themselves may want the same; the library never does it on its own.
//
//   - The garbage collector leaves heaps of less than a few times floor alone,
//     unless GOGC is set. A batch job makes much garbage around little live heap;
//     above the floor the usual 100 % reuse memory, which costs less than
//     touching more: collecting is cheap, since columns hold no pointers. Large
//     heaps grow by less than that (see pacing).
//   - With a memory budget (bytes; 0: none) the runtime's limit becomes one and a
//     half times the budget and 64 MB, unless GOMEMLIMIT is set.
//   - Where the system gives huge pages to those who ask, the heap asks for
//     them: see adviseHugePages.
//
// Call it once, early.
func Tune(memory int64) {
	if os.Getenv("GOGC") == "" {
		floor := int64(floorMost)
		if memory > 0 {
			floor = min(floor, memory/8)
		}
		held := make([]byte, floor)
		ballast.Store(&held)
		pace()
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

// ballast is never touched, so it takes address space and no memory. The
// collector counts it as live and waits until as much again has been allocated.
var ballast atomic.Pointer[[]byte]

const floorMost = 32 << 20

// heapAdvised is how much of the heap's address space is advised at most. It is
// address space only: what is never used costs nothing.
const heapAdvised = 2 << 30
