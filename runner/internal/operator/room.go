package operator

import (
	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/sdk/batch"
)

// Room is what an operator of a batch plan may use: memory, and a disk for what
// does not fit. The zero value is memory without a bound.
type Room struct {
	Holder string // who it is, for messages: the state of step "total"
	// Share is how many bytes of state to hold before it is written to disk or
	// sent on; 0: any number.
	Share int64
	Area  *spill.Area // nil: there is no disk
	// Streams allows to pass on a list that does not fit memory as a stream: all
	// steps behind read it as a sequence.
	Streams bool
	// Account reserves what the operator holds by now: for an operator that grows
	// in the middle of a call. nil: nobody counts.
	Account func() error
}

// short reports whether state of so many bytes has outgrown its share.
func (r *Room) short(held int64) bool { return r.Share > 0 && r.Area != nil && held > r.Share }

// Bounds of a block of a run, in bytes, and of how many runs are merged at once.
const (
	blockLeast = 4 << 10
	blockMost  = 1 << 20
	fanInMost  = 64
)

// block is how many bytes a block of a run should have: so many that the blocks
// of all runs that are merged at once take half of the share. The other half is
// for the table of the merge, and for reading one large group a second time.
func (r *Room) block() int64 { return min(max(r.Share/2/fanInMost, blockLeast), blockMost) }

// rows is how many rows make a block, when so many bytes are so many rows.
func (r *Room) rows(bytes, rows int64) int {
	return int(max(1, min(r.block()*rows/max(1, bytes), batch.TargetRows)))
}

// fanIn is how many runs are merged at once.
func (r *Room) fanIn() int { return int(min(max(r.Share/2/r.block(), 2), fanInMost)) }

// account is Account, if anybody counts.
func (r *Room) account() error {
	if r.Account == nil {
		return nil
	}
	return r.Account()
}
