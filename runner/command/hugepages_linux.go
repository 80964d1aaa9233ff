package command

import (
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20

// adviseHugePages asks for huge pages under the next n bytes of the heap.
//
// A backfill lives for a fraction of a second and touches hundreds of megabytes
// for the first time. In pages of 4 KiB that is a fault for each, which took a
// fifth of the time of the windows benchmark, and later a miss of the address
// cache for each random access to a table of keys. The usual setting of Linux
// (transparent_hugepage=madvise) gives huge pages to ranges that ask. Go's
// runtime does not ask, and offers no way to; Java's has a flag for it.
//
// The runtime maps its heap in ascending order and never unmaps it. So one
// allocation makes it map n bytes, which are advised and let go again, untouched;
// what is allocated from then on falls into them.
//
// Nothing happens where address space is rationed, since the allocation might
// end the process.
func adviseHugePages(n int64) {
	if !hugePagesOnRequest() || addressSpaceRationed() {
		return
	}
	space := make([]byte, n)
	start := uintptr(unsafe.Pointer(unsafe.SliceData(space)))
	skip := -start & (hugePage - 1)
	if advised := (uintptr(n) - skip) &^ (hugePage - 1); uintptr(n) > skip && advised > 0 {
		// An error means that the pages stay small, as they were.
		_ = unix.Madvise(space[skip:skip+advised], unix.MADV_HUGEPAGE)
	}
	space = nil
	runtime.GC() // gives the range back; there is nothing else on the heap yet
}

// hugePagesOnRequest reports whether advice makes a difference: not where every
// process gets huge pages anyway, nor where none does.
func hugePagesOnRequest() bool {
	setting, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	return err == nil && strings.Contains(string(setting), "[madvise]")
}

func addressSpaceRationed() bool {
	policy, err := os.ReadFile("/proc/sys/vm/overcommit_memory")
	if err != nil || strings.HasPrefix(string(policy), "2") {
		return true
	}
	var limit unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_AS, &limit) != nil || limit.Cur != unix.RLIM_INFINITY
}
