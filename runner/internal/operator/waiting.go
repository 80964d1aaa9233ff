package operator

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
)

// waiting holds rows until a watermark has passed them, and gives them out then in
// about the order of time. Each batch that came is sorted once; of those that have
// more to give the one with the earliest row is on top of a heap, so that neither
// adding nor taking looks at rows that go on waiting:
//
//	run 0   ░░░░░│ t5 t9 …        ░ taken
//	run 1      ░░│ t6 t6 t8 …
//	run 2        │ t7 …
type waiting struct {
	runs  waitingRuns
	rows  int
	bytes int64
}

// waitingRun is a batch in the order of time.
type waitingRun struct {
	*batch.Batch
	next  int
	bytes int64
}

func (r *waitingRun) first() int64 { return r.TimeAt(r.next) }

// waitingRuns is a heap.
type waitingRuns []*waitingRun

// Len implements heap.Interface.
func (r waitingRuns) Len() int { return len(r) }

// Less implements heap.Interface.
func (r waitingRuns) Less(i, j int) bool { return r[i].first() < r[j].first() }

// Swap implements heap.Interface.
func (r waitingRuns) Swap(i, j int) { r[i], r[j] = r[j], r[i] }

// Push implements heap.Interface.
func (r *waitingRuns) Push(x any) { *r = append(*r, x.(*waitingRun)) }

// Pop implements heap.Interface.
func (r *waitingRuns) Pop() any {
	last := len(*r) - 1
	run := (*r)[last]
	(*r)[last] = nil
	*r = (*r)[:last]
	return run
}

// add adds the rows of a batch that count.
func (w *waiting) add(b *batch.Batch) {
	if b.Len() == 0 {
		return
	}
	run := &waitingRun{Batch: inTime(b.Compact())}
	run.bytes = run.SizeBytes()
	w.rows, w.bytes = w.rows+run.Len(), w.bytes+run.bytes
	heap.Push(&w.runs, run)
}

// inTime returns a dense batch in the order of time.
func inTime(b *batch.Batch) *batch.Batch {
	if slices.IsSorted(b.Time) {
		return b
	}
	order := make([]int32, b.Len())
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(x, y int32) int { return cmp.Compare(b.Time[x], b.Time[y]) })
	return b.Gather(order)
}

// earliest returns the time of the earliest row; batch.MaxTime when there is none.
func (w *waiting) earliest() int64 {
	if len(w.runs) == 0 {
		return batch.MaxTime
	}
	return w.runs[0].first()
}

// take returns the rows whose time is before a moment, as dense batches of which
// small ones are put together.
func (w *waiting) take(before int64) []*batch.Batch {
	var all, small []*batch.Batch
	few := 0
	gather := func() {
		if len(small) > 0 {
			all = append(all, batch.ConcatBatches(alikeRead(small)))
		}
		small, few = nil, 0
	}
	for len(w.runs) > 0 && w.runs[0].first() < before {
		run := w.runs[0]
		from := run.next
		run.next = run.Len()
		if run.Time != nil {
			n, _ := slices.BinarySearch(run.Time[from:], before)
			run.next = from + n
		}
		taken := run.Slice(from, run.next)
		w.rows -= taken.Len()
		if run.next == run.Len() {
			w.bytes -= run.bytes
			heap.Pop(&w.runs)
		} else {
			heap.Fix(&w.runs, 0)
		}
		if taken.Len() >= smallBatch {
			all = append(all, taken)
			continue
		}
		small = append(small, taken)
		if few += taken.Len(); few >= batch.TargetRows {
			gather()
		}
	}
	gather()
	return all
}

// smallBatch is the number of rows below which batches are worth putting together.
const smallBatch = 512

// alikeRead leaves out the columns that some of the batches do not have: behind a
// Flatten, columns that nobody needs may have been read from one source, for somebody
// else, and not from another.
func alikeRead(batches []*batch.Batch) []*batch.Batch {
	roots := make([]*batch.Column, len(batches))
	for i, b := range batches {
		roots[i] = b.Root
	}
	if !dropUnread(roots) {
		return batches
	}
	out := make([]*batch.Batch, len(batches))
	for i, b := range batches {
		out[i] = b.WithRoot(roots[i])
	}
	return out
}

// dropUnread puts nil for each column, down to the fields of structs, that is nil in
// some of the columns given, and reports whether it had to. The columns themselves
// are not changed.
func dropUnread(columns []*batch.Column) (dropped bool) {
	missing := 0
	for _, c := range columns {
		if c == nil {
			missing++
		}
	}
	if missing > 0 {
		clear(columns)
		return missing < len(columns)
	}
	if columns[0].Type.Kind != batch.Struct {
		return false
	}
	children := make([]*batch.Column, len(columns))
	for i := range columns[0].Children {
		for k, c := range columns {
			children[k] = c.Children[i]
		}
		if !dropUnread(children) {
			continue
		}
		dropped = true
		for k, c := range columns {
			own := *c
			own.Children = slices.Clone(c.Children)
			own.Children[i] = children[k]
			columns[k] = &own
		}
	}
	return dropped
}
