package local_test

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// What the Beam model calls a splittable DoFn is a source with splits here: a
// restriction is a split, a position that is claimed is a row that is read, and a
// watermark estimator is a reader that says watermarks itself.

func init() {
	pipelineOf["sdf_range"] = splitRange
	pipelineOf["sdf_checkpoint"] = splitResumes
	pipelineOf["sdf_watermark"] = splitWatermark
	pipelineOf["drain_truncates_unbounded_sdf"] = drained
	outputsOf["drain_truncates_unbounded_sdf"] = []string{"[0,10) n=9", "[10,20) n=6"}
}

// offsets is a source of the integers in [from, to).
type offsets struct {
	from, to  int64
	splits    int64
	unbounded bool
	// next says what happens at each position besides its row.
	next func(position int64) []connector.Event
	// drain, when closed, ends the source behind the position that is read then.
	drain   <-chan struct{}
	claimed *atomic.Int64
}

func (o offsets) String() string             { return fmt.Sprintf("offsets %d to %d", o.from, o.to) }
func (o offsets) Bounded() bool              { return !o.unbounded }
func (o offsets) Validate(*batch.Type) error { return nil }
func (o offsets) Timed() bool                { return true }
func (o offsets) Scripted() bool             { return !o.unbounded && o.next != nil }
func (o offsets) Open(context.Context, connector.Request) (connector.Input, error) {
	return offsetsInput{o}, nil
}

type offsetsInput struct{ offsets }

func (in offsetsInput) Splits() []connector.Split {
	var splits []connector.Split
	for i := range in.splits {
		width := in.to - in.from
		piece := offsets{from: in.from + i*width/in.splits, to: in.from + (i+1)*width/in.splits}
		splits = append(splits, connector.Split{Name: piece.String(), Rows: -1, Bytes: -1, Data: piece})
	}
	return splits
}

func (in offsetsInput) Reader(_ context.Context, s connector.Split) (connector.Reader, error) {
	piece := s.Data.(offsets)
	return &offsetsReader{offsets: in.offsets, at: piece.from, end: piece.to}, nil
}

func (offsetsInput) Close() error { return nil }

// offsetsReader reads one split, a position at a time.
type offsetsReader struct {
	offsets
	at, end int64
	waiting []connector.Event
}

func (r *offsetsReader) Read(ctx context.Context) (*batch.Batch, error) {
	for {
		e, err := r.ReadEvent(ctx)
		if err != nil || e.Kind == connector.Rows {
			return e.Batch, err
		}
	}
}

func (r *offsetsReader) ReadEvent(ctx context.Context) (connector.Event, error) {
	if err := ctx.Err(); err != nil {
		return connector.Event{}, err
	}
	if len(r.waiting) > 0 {
		e := r.waiting[0]
		r.waiting = r.waiting[1:]
		return e, nil
	}
	if r.at >= r.end || r.drained() {
		return connector.Event{}, io.EOF
	}
	if r.claimed != nil {
		r.claimed.Add(1)
	}
	encoder := offsetCodec.NewEncoder()
	if err := encoder.Append([]int64{r.at}); err != nil {
		return connector.Event{}, err
	}
	row := connector.Event{Kind: connector.Rows, Batch: &batch.Batch{Root: encoder.Finish(), Time: []int64{0}}}
	if r.next != nil {
		for _, e := range r.next(r.at) {
			if e.Kind == connector.Rows {
				row.Batch.Time[0] = e.Time
				e.Batch = row.Batch
			}
			r.waiting = append(r.waiting, e)
		}
		row, r.waiting = r.waiting[0], r.waiting[1:]
	}
	r.at++
	return row, nil
}

// drained says that the source has been asked to end, which its position allows.
func (r *offsetsReader) drained() bool {
	select {
	case <-r.drain:
		return true
	default:
		return false
	}
}

func (r *offsetsReader) Close() error { return nil }

var offsetCodec = func() *codec.Codec[int64] {
	c, err := codec.For[int64]()
	if err != nil {
		panic(err)
	}
	return c
}()

// positions is how many positions a case has: the value of its element.
func (b *beamRun) positions() int64 {
	if len(b.Stream) == 1 && len(b.Stream[0].Elements) == 1 {
		return b.Stream[0].Elements[0].V
	}
	b.err = fmt.Errorf("pipeline %s wants one element, the number of positions", b.Pipeline)
	return 0
}

func text(v int64) string { return fmt.Sprint(v) }

func splitRange(b *beamRun) {
	in := leat.Read[int64](b.p, "offsets", offsets{to: b.positions(), splits: 3})
	b.write(leat.Map(in, "text", text))
}

// splitResumes has nothing for a while after each position.
func splitResumes(b *beamRun) {
	in := leat.Read[int64](b.p, "offsets", offsets{to: b.positions(), splits: 1, next: func(int64) []connector.Event {
		return []connector.Event{{Kind: connector.Rows}, {Kind: connector.Idle}, {Kind: connector.Advance, Time: 50_000}, {Kind: connector.Active}}
	}})
	b.write(leat.Map(in, "text", text))
}

// splitWatermark has position i at event time 10 i, and its watermark there.
func splitWatermark(b *beamRun) {
	n := b.positions()
	claimed := new(atomic.Int64)
	in := leat.Read[int64](b.p, "offsets", offsets{to: n, splits: 1, claimed: claimed, next: func(i int64) []connector.Event {
		return []connector.Event{{Kind: connector.Watermark, Time: 10_000 * i}, {Kind: connector.Rows, Time: 10_000 * i}, {Kind: connector.Advance, Time: 300_000}}
	}})
	b.write(countsOf(b, in, func() string {
		if claimed.Load() < n {
			return " early=true"
		}
		return ""
	}))
}

// countsOf counts rows in fixed windows of 10 ms; with each result comes a note made
// when it comes.
func countsOf(b *beamRun, in leat.PCollection[int64], note func() string) leat.PCollection[string] {
	same := leat.KeyBy(leat.Window(in, window.Fixed(10*time.Millisecond)), "same", field.Func(func(int64) int64 { return 0 }))
	counts := leat.Combine(same, "count", agg.Into(func(_ *int64, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} }))
	return leat.ParDo(counts, "note", leat.Do(func(c *leat.Context, kv leat.KV[int64, int64], emit leat.Emit[string]) error {
		start, end, _ := c.Window()
		emit(fmt.Sprintf("[%d,%d) n=%d%s", start.UnixMilli(), end.UnixMilli(), kv.Value, note()))
		return nil
	}))
}

// drained reads [1, ∞), is asked to end at position 15, and ends well: all windows
// have their results.
func drained(b *beamRun) {
	drain := make(chan struct{})
	in := leat.Read[int64](b.p, "offsets", offsets{from: 1, to: 1 << 62, splits: 1, unbounded: true, drain: drain, next: func(i int64) []connector.Event {
		if i == 15 {
			close(drain)
		}
		return []connector.Event{{Kind: connector.Rows, Time: 1000 * i}}
	}})
	b.write(countsOf(b, in, func() string { return "" }))
}
