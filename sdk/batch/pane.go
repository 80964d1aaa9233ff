package batch

// Timing says how a firing of a window relates to the watermark.
type Timing uint8

// The timings. The names are those of the Beam model.
const (
	Unknown Timing = iota // the row is in no window of a grouping step
	Early                 // before the watermark has passed the end of the window
	OnTime                // the one firing with which the watermark passes the end
	Late                  // after that
)

// String returns unknown, early, on_time or late.
func (t Timing) String() string { return [...]string{"unknown", "early", "on_time", "late"}[t] }

// Pane says which firing of its window a row comes from: a trigger may have a
// window fire many times for a key, and each result is a pane.
type Pane struct {
	Index          int32 // of the firing: 0, 1, 2, …
	NonSpeculative int32 // the same, not counting early ones; −1 for those
	Timing         Timing
	First, Last    bool // Last: the window of this key will not fire again
}

// paneBytes is the memory of a Pane.
const paneBytes = 12

// only is the pane of windows that fire once, when they are complete.
var only = Pane{Timing: OnTime, First: true, Last: true}

// none is the pane of rows that no grouping step has made.
var none = Pane{First: true, Last: true}

// PaneAt returns the pane of physical row i. Batches of windows that fire just
// once carry no panes, so that those cost nothing.
func (b *Batch) PaneAt(i int) Pane {
	switch {
	case b.Panes != nil:
		return b.Panes[i]
	case b.Start != nil:
		return only
	}
	return none
}
