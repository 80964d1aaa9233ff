package exchange

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/leatflow/leat/runner/internal/memory"
	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/sdk/batch"
)

// A blocked exchange takes any number of batches, whatever the budget and
// whoever holds the rest of it, and what its receivers see does not depend on
// where the batches were. Nothing is left in the budget or on disk.
func TestSpillKeepsOrder(t *testing.T) {
	const producers, consumers, n = 3, 2, 60
	one := numbered(0).SizeBytes()
	for _, limit := range []int64{1, 2 * one, 20 * one, 100 * one, 1 << 20} {
		for _, held := range []int64{0, limit} { // by operators, for good
			dir := t.TempDir()
			budget, area := memory.NewBudget(limit), spill.NewArea(dir, nil)
			if err := budget.Reserve("an operator", held); err != nil {
				t.Fatal(err)
			}
			e := New("test", producers, consumers, false, budget)
			e.SpillTo(area)
			var group sync.WaitGroup
			for p := range producers {
				group.Go(func() {
					if err := produce(t.Context(), e.Sender(p), n); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if budget.Peak() > limit || (area.Written() > 0) != (held > 0 || limit < 1<<20) {
				t.Errorf("limit %d, %d held: the peak is %d, %d bytes were written", limit, held, budget.Peak(), area.Written())
			}
			for c := range consumers {
				group.Go(func() {
					r := e.Receiver(c)
					if rows := r.Waiting(); rows != producers*n/consumers {
						t.Errorf("%d rows wait", rows)
					}
					got, all, err := drainAll(t.Context(), r)
					if err != nil || !slices.IsSorted(producersOf(all)) {
						t.Error(err, all)
					}
					for p := range got {
						if want := script(n, c, consumers); !slices.Equal(got[p], want) {
							t.Errorf("limit %d: channel %d→%d gave %v, want %v", limit, p, c, got[p], want)
						}
					}
				})
			}
			group.Wait()
			if err := errors.Join(e.Close(), area.Close()); err != nil {
				t.Error(err)
			}
			if budget.Used() != held {
				t.Errorf("%d bytes are in use, %d were before", budget.Used(), held)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
				t.Errorf("%v is left: %v", entries, err)
			}
		}
	}
}

// An operator that needs memory gets what exchanges hold, also while they are
// being read, and an exchange that was given up in the middle leaves nothing.
func TestOperatorsComeFirst(t *testing.T) {
	one := numbered(0).SizeBytes()
	budget, area := memory.NewBudget(100*one), spill.NewArea(t.TempDir(), nil)
	x, y := New("x", 1, 1, false, budget), New("y", 2, 1, false, budget)
	x.SpillTo(area)
	y.SpillTo(area)
	for _, s := range []*Sender{x.Sender(0), y.Sender(0), y.Sender(1)} {
		if err := produce(t.Context(), s, 20); err != nil {
			t.Fatal(err)
		}
	}
	if area.Written() > 0 {
		t.Fatal("something was written though all fits")
	}
	r := y.Receiver(0)
	for range 3 {
		if _, _, err := r.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := budget.Reserve("an operator", 70*one); err != nil || area.Written() == 0 {
		t.Fatalf("the operator was refused: %v", err)
	}
	before := area.Written()
	if err := budget.Reserve("an operator", 30*one); err != nil || area.Written() == before {
		t.Fatalf("the operator was refused: %v", err)
	}
	err := budget.Reserve(`the state of step "total"`, 1)
	var exceeded *memory.ExceededError
	if !errors.As(err, &exceeded) {
		t.Fatalf("more than there is was given: %v", err)
	}
	if err := errors.Join(x.Close(), y.Close(), area.Close()); err != nil {
		t.Error(err)
	}
	budget.Release(100 * one)
	if budget.Used() != 0 {
		t.Errorf("%d bytes are in use", budget.Used())
	}
}

// A batch that selects a few rows of many is kept without the others.
func TestSpillCompacts(t *testing.T) {
	budget, area := memory.NewBudget(1<<20), spill.NewArea(t.TempDir(), nil)
	e := New("test", 1, 1, false, budget)
	e.SpillTo(area)
	big := &batch.Batch{Root: batch.NewInts(&batch.Type{Kind: batch.Int64}, make([]int64, 1<<16)), Sel: []int32{7, 9}}
	if err := e.Sender(0).Send(t.Context(), 0, big); err != nil {
		t.Fatal(err)
	}
	_, m, err := e.Receiver(0).Next(t.Context())
	if err != nil || m.Batch.Physical() != 2 {
		t.Errorf("%d rows are kept for 2: %v", m.Batch.Physical(), err)
	}
	if err := errors.Join(e.Close(), area.Close()); err != nil {
		t.Error(err)
	}
}

// noRoom is a disk that is full.
type noRoom struct{ spill.OS }

func (noRoom) Create(path string) (spill.Handle, error) {
	return nil, &os.PathError{Op: "create", Path: path, Err: syscall.ENOSPC}
}

// When the disk is full the sender gets an error that names the step.
func TestSpillToFullDisk(t *testing.T) {
	dir := t.TempDir()
	budget, area := memory.NewBudget(1), spill.NewArea(dir, noRoom{})
	e := New(`the exchange behind step "total"`, 1, 1, false, budget)
	e.SpillTo(area)
	err := e.Sender(0).Send(t.Context(), 0, numbered(1))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), `the exchange behind step "total"`) {
		t.Errorf("the error is %v", err)
	}
	if err := errors.Join(e.Close(), area.Close()); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 || budget.Used() != 0 {
		t.Errorf("%v is left, %d bytes in use: %v", entries, budget.Used(), err)
	}
}
