package agg

import (
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
)

// blocks of the tree of a series, for states that can only be merged:
//
//	level 1  │               │               │          16 nodes of level 0 each
//	level 0  │ │ │ │ │ │ │ │ │ │ │ │ │ │ │ │ │          16 rows each
//	range         ├┼─┴─┴─┴─┼───────────────┼─┴┤
//	              rows     level 1           rows
//
// A range takes fewer than 30 rows and, of each level, 30 nodes, whatever its
// length and in whatever order ranges are asked for. Nodes are kept as saved
// accumulators, which tasks may share. Blocks ignore where groups begin: those
// that lie across are never asked for.
const (
	fanOut    = 16
	fanBits   = 4
	treeChunk = 4096 // nodes made at a time
	askChunk  = 512  // ranges answered at a time
)

type tree struct {
	plan   *Plan // of the states it is for
	states []int // which of the table's these are
	value  *batch.Column
	time   []int64
	levels []*batch.Column // saved nodes
}

// forPlan returns the tree for another plan, where its states are the given ones.
func (t *tree) forPlan(states []int) *tree {
	c := *t
	c.states = states
	return &c
}

func newTree(p *Plan, value *batch.Column, time []int64, r *Reserve) (*tree, error) {
	t := &tree{plan: p, value: value, time: time}
	level, err := t.level(value.Len, r, func(into *Table, slots []int32, from, to int) error {
		var at []int64
		if time != nil {
			at = time[from:to]
		}
		return into.Add(slots, value.Slice(from, to), at, nil)
	})
	for err == nil && level.Len > 0 {
		t.levels = append(t.levels, level)
		if level.Len <= fanOut {
			return t, nil
		}
		below := level
		level, err = t.level(below.Len, r, func(into *Table, slots []int32, from, to int) error {
			return into.Load(slots, below.Slice(from, to), nil)
		})
	}
	return t, err
}

// level makes the nodes over n rows or nodes. add folds some of them into slots.
func (t *tree) level(n int, r *Reserve, add func(into *Table, slots []int32, from, to int) error) (*batch.Column, error) {
	var pieces []*batch.Column
	table := t.plan.NewTable()
	var size int64
	nodes := make([]int32, treeChunk)
	for i := range nodes {
		nodes[i] = int32(i)
	}
	slots := make([]int32, treeChunk*fanOut)
	for i := range slots {
		slots[i] = int32(i >> fanBits)
	}
	for from := 0; from < n; from += len(slots) {
		to := min(from+len(slots), n)
		made := nodes[:(to-from+fanOut-1)>>fanBits]
		table.Grow(len(made))
		table.Reset(made)
		if err := add(table, slots[:to-from], from, to); err != nil {
			return nil, err
		}
		saved, err := table.Save(made)
		if err != nil {
			return nil, err
		}
		size += saved.SizeBytes()
		if size > 1<<30 {
			return nil, fmt.Errorf("the accumulators of %s over blocks of %d rows take more than 1 GiB; keep fewer values, or fewer rows", t.plan.identities(), fanOut)
		}
		if err := r.bytes(saved.SizeBytes()); err != nil {
			return nil, err
		}
		pieces = append(pieces, saved)
	}
	if len(pieces) == 0 {
		return &batch.Column{}, nil
	}
	return batch.Concat(pieces), nil
}

// asked is rows or nodes of one level and the slots they go to.
type asked struct{ slots, at []int32 }

func (a *asked) add(slot int32, from, to int32) {
	for i := from; i < to; i++ {
		a.slots, a.at = append(a.slots, slot), append(a.at, i)
	}
}

// put makes slots hold ranges, see Table.SetRanges.
func (t *tree) put(whole *Table, slots, from, to []int32) error {
	table := whole.part(t.plan, t.states)
	all := make([]int32, min(len(from), askChunk))
	for at := 0; at < len(from); at += askChunk {
		end := min(at+askChunk, len(from))
		piece := all[:end-at]
		for i := range piece {
			piece[i] = slotOf(slots, at+i)
		}
		table.Reset(piece)
		if err := t.ask(table, piece, from[at:end], to[at:end]); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) ask(table *Table, slots, from, to []int32) error {
	var rows asked
	nodes := make([]asked, len(t.levels))
	for i, slot := range slots {
		t.cover(slot, from[i], to[i], &rows, nodes)
	}
	if len(rows.at) > 0 {
		if err := table.Add(rows.slots, t.value.Gather(rows.at), pickTimes(t.time, rows.at), nil); err != nil {
			return err
		}
	}
	for l := range nodes {
		if len(nodes[l].at) == 0 {
			continue
		}
		if err := table.Load(nodes[l].slots, t.levels[l], nodes[l].at); err != nil {
			return err
		}
	}
	return nil
}

// cover takes a range apart into rows and nodes.
func (t *tree) cover(slot, from, to int32, rows *asked, nodes []asked) {
	into := rows
	for level := 0; ; level++ {
		first, end := (from+fanOut-1)>>fanBits, to>>fanBits
		if level == len(nodes) || first >= end {
			into.add(slot, from, to)
			return
		}
		into.add(slot, from, first<<fanBits)
		into.add(slot, end<<fanBits, to)
		into, from, to = &nodes[level], first, end
	}
}

func pickTimes(time []int64, rows []int32) []int64 {
	if time == nil {
		return nil
	}
	return pick(time, rows)
}
