package operator

import (
	"errors"

	"github.com/leatflow/leat/runner/internal/memory"
)

// Memory is a part of the budget. Reserve is asked before memory is allocated.
type Memory interface {
	Reserve(bytes int64) error
	Release(bytes int64)
}

// holding is what one goroutine has reserved.
type holding struct {
	memory Memory
	bytes  int64
}

func (h *holding) reserve(n int64) error {
	if err := h.memory.Reserve(n); err != nil {
		return err
	}
	h.bytes += n
	return nil
}

func (h *holding) release(n int64) {
	h.memory.Release(n)
	h.bytes -= n
}

// drop gives all of it back.
func (h *holding) drop() { h.release(h.bytes) }

// exceeds reports whether an error says that the budget is used up, which leaves
// the choice to do with less.
func exceeds(err error) bool {
	var exceeded *memory.ExceededError
	return errors.As(err, &exceeded)
}
