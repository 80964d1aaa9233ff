package operator

import (
	"cmp"
	"context"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
)

// What sliding windows and sessions save of a key when memory is short, and how
// they take it back; see chunked.go.

func (o *sliding) state() *groups { return &o.groups }

// saves implements windowed: the panes, as nothing has fired yet.
func (o *sliding) saves(ranks []int32, put func(id, slot int32, start, end int64) error) error {
	type entry struct{ rank, pane, at int32 }
	var all []entry
	panes := o.panes.Sorted()
	for p, pane := range panes {
		for i, id := range pane.Keys {
			all = append(all, entry{ranks[id], int32(p), int32(i)})
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.pane, b.pane)) })
	for _, e := range all {
		p := panes[e.pane]
		if err := put(p.Keys[e.at], p.Slots[e.at], p.Start, p.End); err != nil {
			return err
		}
	}
	return nil
}

// restore implements windowed.
func (o *sliding) restore(b *batch.Batch) error { return o.load(b) }

func (o *session) state() *groups { return &o.groups }

// saves implements windowed.
func (o *session) saves(ranks []int32, put func(id, slot int32, start, end int64) error) error {
	order := make([]int32, 0, len(o.sessions))
	for id, list := range o.sessions {
		if len(list) > 0 {
			order = append(order, int32(id))
		}
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(ranks[a], ranks[b]) })
	for _, id := range order {
		for _, s := range o.sessions[id] {
			if err := put(id, s.slot, s.Start, s.End); err != nil {
				return err
			}
		}
	}
	return nil
}

// restore implements windowed: a session that was saved claims its whole length,
// as the rows that made it did.
func (o *session) restore(b *batch.Batch) error {
	o.restoring = true
	defer func() { o.restoring = false }()
	return o.Process(context.Background(), b, nil)
}
