package leattest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/connectortest"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func at(s int) time.Time { return time.Unix(int64(s), 0).UTC() }

// tooEarly is a time that no column can hold.
var tooEarly = time.Date(-290_000, 1, 1, 0, 0, 0, 0, time.UTC)

// A stream of rows keeps the contract of a source.
func TestStreamConformance(t *testing.T) {
	type row struct{ At time.Time }
	rows := []row{{at(1)}, {at(2)}, {at(3)}, {at(4)}, {at(5)}}
	c, err := codec.For[row]()
	if err != nil {
		t.Fatal(err)
	}
	e := c.NewEncoder()
	if err := e.Append(rows); err != nil {
		t.Fatal(err)
	}
	want := e.Finish()
	connectortest.TestSource(t, connectortest.SourceCase{
		New: func(*testing.T) connector.Source {
			return leattest.Stream[row](leattest.At(at(1), rows[0]), leattest.At(at(1), rows[1], row{tooEarly}, rows[2]),
				leattest.Pause(), leattest.At[row](at(1)), leattest.Batch(leattest.At(at(1), rows[3]), leattest.At(at(2), rows[4])))
		},
		Type: want.Type, Want: want, Bad: []string{"a row in leattest"}, CloseTwice: true,
	})
}

// A stream that makes no sense is refused when the pipeline is built, with the
// number of the event and what to do.
func TestStreamMistakes(t *testing.T) {
	p := &leat.Pipeline{}
	leat.Read[int64](p, "in", leattest.Stream[int64](
		leattest.At(at(1), 1), leattest.At(tooEarly, int64(1)), leattest.ProcessingTime(-time.Second),
		leattest.ProcessingTime(time.Nanosecond), leattest.Batch(leattest.Idle()), leattest.At(at(1), int64(1))))
	leat.Read[string](p, "other", leattest.Stream[int64]())
	_, err := local.Run(t.Context(), p, local.Options{})
	for _, says := range []string{
		"event 0 of leattest.Stream[int64]: the values are []int; write leattest.At[int64](…)",
		"event 1 of leattest.Stream[int64]: the event time -290000-01-01T00:00:00Z is out of range",
		"event 2 of leattest.Stream[int64]: processing time moves by -1s; it goes forward",
		"event 3 of leattest.Stream[int64]: processing time moves by 1ns",
		"event 4 of leattest.Stream[int64]: leattest.Batch takes the results of leattest.At and nothing else",
		"leattest.Stream[int64] has rows of type int64, but the step reads rows of type string",
		"leattest_test.go:",
	} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v\nwant in it %q", err, says)
		}
	}
}

// A stream of nothing but rows ends, and runs on the batch plan; one that says
// something about time does not.
func TestBounded(t *testing.T) {
	if s := leattest.Stream[int64](leattest.At(at(1), int64(1)), leattest.Pause()); !s.Bounded() {
		t.Error("rows alone do not end")
	}
	if s := leattest.Stream[int64](leattest.Watermark(at(1))); s.Bounded() {
		t.Error("a watermark is no script")
	}
}

// Early panes come when processing time says so, the others with the watermark,
// whatever the number of tasks and the size of batches; and the order in which they
// came can be seen.
func TestPanes(t *testing.T) {
	for _, o := range []local.Options{{Parallelism: 1}, {Parallelism: 3}, {Parallelism: 3, BatchRows: 1}} {
		p := &leat.Pipeline{}
		clicks := leat.Read[Click](p, "clicks", leattest.Stream[Click](
			leattest.At(at(1), Click{"ann"}, Click{"ann"}),
			leattest.ProcessingTime(9*time.Second),
			leattest.At(at(2), Click{"ann"}),
			leattest.ProcessingTime(time.Second), // ten after the first
			leattest.At(at(3), Click{"ann"}),
			leattest.Watermark(at(60)),
			leattest.At(at(4), Click{"ann"}), // late
			leattest.WatermarkToEnd(),
		))
		byUser := leat.KeyBy(clicks, "by-user", field.Of(func(c *Click) *string { return &c.User }))
		windowed := leat.Window(byUser, window.Fixed(time.Minute), leat.AllowedLateness(time.Minute), leat.Accumulation(window.Accumulating),
			leat.Trigger(window.AfterWatermark(window.Early(window.AfterProcessingTime(10*time.Second)), window.Late(window.AfterCount(1)))))
		counts := leattest.Capture(leat.Combine(windowed, "count", agg.Into(func(c *Click, n *Count) []agg.Term { return []agg.Term{agg.Count(&n.Clicks)} })), "counts")
		if _, err := local.Run(context.Background(), p, o); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range counts.Rows() {
			got = append(got, fmt.Sprint(r.Value.Value.Clicks, r.Pane.Timing, r.Pane.Index))
		}
		if want := []string{"3 early 0", "4 on_time 1", "5 late 2"}; !slices.Equal(got, want) {
			t.Errorf("%+v: %q, want %q", o, got, want)
		}
		if text := counts.Sorted()[0]; text != "{Key:ann Value:{Clicks:3}} @ 1970-01-01T00:00:59.999999Z [1970-01-01T00:00:00Z, 1970-01-01T00:01:00Z) early pane 0" {
			t.Errorf("the first pane is %s", text)
		}
	}
}

// One clock is moved by any stream, and steps behind another one see that at its
// next turn.
func TestOneClock(t *testing.T) {
	p := &leat.Pipeline{}
	leat.Write(leat.Read[Click](p, "mover", leattest.Stream[Click](
		leattest.Pause(), leattest.ProcessingTime(9*time.Second), leattest.ProcessingTime(time.Second),
	)), "nowhere", &memory.Collector[Click]{})
	clicks := leat.Read[Click](p, "clicks", leattest.Stream[Click](
		leattest.At(at(1), Click{"ann"}), leattest.Pause(), leattest.Pause(), // ten seconds later
		leattest.At(at(2), Click{"ann"}), leattest.Watermark(at(100)),
	))
	byUser := leat.KeyBy(clicks, "by-user", field.Of(func(c *Click) *string { return &c.User }))
	windowed := leat.Window(byUser, window.Fixed(time.Minute), leat.Accumulation(window.Discarding),
		leat.Trigger(window.AfterWatermark(window.Early(window.AfterProcessingTime(10*time.Second)))))
	counts := leattest.Capture(leat.Combine(windowed, "count", agg.Into(func(c *Click, n *Count) []agg.Term { return []agg.Term{agg.Count(&n.Clicks)} })), "counts")
	if _, err := local.Run(t.Context(), p, local.Options{Parallelism: 3}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range counts.Rows() {
		got = append(got, fmt.Sprint(r.Value.Value.Clicks, r.Pane.Timing))
	}
	if want := []string{"1 early", "1 on_time"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
