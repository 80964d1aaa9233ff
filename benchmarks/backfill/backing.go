package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// back touches so many bytes of memory and gives them back. A virtual machine
// whose host takes free memory away pays for the first touch of each page again
// up to twenty times what it pays otherwise; whoever uses the most fresh memory
// then loses, on a machine that is like no other. Before every run of every
// system it makes them equal.
func back(bytes int64) error {
	if bytes == 0 {
		return nil
	}
	memory, err := unix.Mmap(-1, 0, int(bytes), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("-back %d bytes: %w", bytes, err)
	}
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE) // in the pieces in which hosts give it; small pages come out of them too
	for i := 0; i < len(memory); i += 4096 {
		memory[i] = 1
	}
	return unix.Munmap(memory)
}
