package memory

import (
	"strings"
	"sync"
	"testing"
)

// A budget takes what fits, refuses the rest without taking any of it, and
// remembers the most that was in use.
func TestBudget(t *testing.T) {
	b := NewBudget(3 << 20)
	if err := b.Reserve("state", 2<<20); err != nil {
		t.Fatal(err)
	}
	err := b.Reserve(`the state of step "total"`, 2<<20)
	want := `the state of step "total" needs 2.0 MiB more while 2.0 MiB of the memory budget of 3.0 MiB are in use`
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "-memory") {
		t.Errorf("the message is %v", err)
	}
	if b.Used() != 2<<20 {
		t.Errorf("%d bytes are in use after a refusal", b.Used())
	}
	if err := b.Reserve("state", 1<<20); err != nil {
		t.Errorf("what just fits is refused: %v", err)
	}
	if err := b.Reserve("state", -1<<20); err != nil {
		t.Errorf("giving back is refused: %v", err)
	}
	b.Release(2 << 20)
	if b.Used() != 0 || b.Peak() != 3<<20 {
		t.Errorf("%d bytes in use, peak %d", b.Used(), b.Peak())
	}
}

// Without a limit everything fits; several goroutines count together.
func TestBudgetConcurrent(t *testing.T) {
	b := NewBudget(0)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 1000 {
				if err := b.Reserve("state", 1<<40); err != nil {
					t.Error(err)
				}
				b.Release(1 << 40)
			}
		})
	}
	group.Wait()
	if b.Used() != 0 || b.Peak() < 1<<40 || b.Peak() > 8<<40 {
		t.Errorf("%d bytes in use, peak %d", b.Used(), b.Peak())
	}
}

// Sizes are rendered in the unit that fits.
func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 300 << 10: "300.0 KiB", 64 << 20: "64.0 MiB", 3 << 40: "3.0 TiB", 1 << 60: "1024.0 PiB"} {
		if got := Size(n); got != want {
			t.Errorf("%d bytes are %s, want %s", n, got, want)
		}
	}
}
