// Package checkpoint holds the decisions of checkpoints. It is pure. So far there
// is the alignment of barriers at the inputs of a task; nothing sends barriers yet,
// and nothing uses it.
//
// The central idea: a snapshot of a task must hold exactly what came before the
// barrier on each of its channels. So a channel whose barrier has come is held until
// the barrier has come on all others:
//
//	channel 0   a  b  |1 ▒▒▒▒▒▒▒▒▒ c        ▒ held: what comes waits in the exchange
//	channel 1   d  e  f  g  h  |1  i
//	                            └─ snapshot 1: a b d e f g h
package checkpoint

// Alignment follows the barriers of one task. Checkpoints are numbered from 1 and
// the numbers rise.
type Alignment struct {
	// AtLeastOnce holds no channel. The snapshot then has rows from behind the
	// barrier too, which come again after a restart.
	AtLeastOnce bool

	channels []channel
	pending  int64 // the checkpoint that is being aligned; 0: none
	settled  int64 // the last that was taken or given up
}

type channel struct{ arrived, closed bool }

// Outcome is what an event has decided. Zero stands for nothing.
type Outcome struct {
	Snapshot int64   // take the snapshot of this checkpoint now, then pass the barrier on
	Aborted  []int64 // these will not be complete
}

// NewAlignment returns an alignment of so many channels.
func NewAlignment(channels int) *Alignment {
	return &Alignment{channels: make([]channel, channels)}
}

// Barrier says that the barrier of a checkpoint has come on a channel. One of a
// checkpoint that was taken or given up means nothing; one of a later checkpoint
// than that under way gives the latter up.
func (a *Alignment) Barrier(c int, checkpoint int64) (o Outcome) {
	if checkpoint <= a.settled || checkpoint < a.pending {
		return o
	}
	if checkpoint > a.pending {
		o.Aborted = a.giveUp()
		a.pending = checkpoint
	}
	a.channels[c].arrived = true
	o.Snapshot = a.complete()
	return o
}

// Cancel says that a checkpoint was given up elsewhere.
func (a *Alignment) Cancel(checkpoint int64) (o Outcome) {
	if checkpoint <= a.settled || checkpoint < a.pending {
		return o
	}
	if checkpoint > a.pending {
		o.Aborted = a.giveUp()
	}
	a.settle(checkpoint)
	o.Aborted = append(o.Aborted, checkpoint)
	return o
}

// Close says that a channel has ended. It is waited for no longer.
func (a *Alignment) Close(c int) (o Outcome) {
	a.channels[c].closed = true
	o.Snapshot = a.complete()
	return o
}

// Held reports whether nothing may be taken from a channel at the moment.
func (a *Alignment) Held(c int) bool { return a.channels[c].arrived && !a.AtLeastOnce }

// complete returns the checkpoint under way when its barrier is on every channel.
func (a *Alignment) complete() int64 {
	if a.pending == 0 {
		return 0
	}
	for _, c := range a.channels {
		if !c.arrived && !c.closed {
			return 0
		}
	}
	taken := a.pending
	a.settle(taken)
	return taken
}

func (a *Alignment) giveUp() []int64 {
	if a.pending == 0 {
		return nil
	}
	lost := a.pending
	a.settle(lost)
	return []int64{lost}
}

// settle ends the alignment under way and frees all channels.
func (a *Alignment) settle(checkpoint int64) {
	a.pending, a.settled = 0, checkpoint
	for i := range a.channels {
		a.channels[i].arrived = false
	}
}
