package operator

import (
	"math"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// everything is a side input in the global window.
type everything struct{ forgotten int64 }

func (e *everything) Side(int, *batch.Batch) (int64, error) { return 0, nil }
func (e *everything) Needs(_ int, _ *batch.Batch, ends []int64) {
	for i := range ends {
		ends[i] = batch.MaxTime
	}
}
func (e *everything) Complete(int, int64) {}
func (e *everything) Forget(by int64)     { e.forgotten = by }
func (e *everything) SideBytes() int64    { return 0 }

// Rows at the end of time and beyond, as of results of results in the global window, see
// a side input in the global window when it comes after them.
func TestRowsAtTheEndOfTimeSeeTheGlobalWindow(t *testing.T) {
	fn, rows := &everything{forgotten: batch.MinTime}, 0
	o := newSides(NewUnion(), fn, 1, &Counters{})
	emit := func(_ int, b *batch.Batch) error {
		rows += b.Len()
		return nil
	}
	number := &batch.Type{Kind: batch.Int64}
	for _, at := range []int64{batch.MaxTime, batch.MaxTime + 5} {
		if err := o.Process(t.Context(), &batch.Batch{Root: batch.NewInts(number, []int64{1}), Time: []int64{at}}, emit); err != nil {
			t.Fatal(err)
		}
	}
	tell := func(input int, w int64) {
		if err := o.WatermarkOf(t.Context(), input, w, graph.Emit(emit)); err != nil {
			t.Fatal(err)
		}
	}
	tell(0, math.MaxInt64)
	if fn.forgotten >= batch.MaxTime || rows != 0 {
		t.Errorf("windows that end by %d are forgotten, and %d rows went on, while the side input has not ended", fn.forgotten, rows)
	}
	tell(1, math.MaxInt64)
	if fn.forgotten != math.MaxInt64 || rows != 2 {
		t.Errorf("windows that end by %d are forgotten, and %d rows went on, when the side input has ended", fn.forgotten, rows)
	}
}
