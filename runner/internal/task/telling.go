package task

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/watermark"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	wm "github.com/leatflow/leat/sdk/watermark"
)

// What a Reading tells of time: watermarks, at the pace that was declared, whether
// it is idle, and the clock of a script.

// said passes on what the reader itself says of time.
func (r *Reading) said(e connector.Event) {
	switch e.Kind {
	case connector.Watermark:
		r.say(r.pace.Came())
		if !r.source.Read.EventTime.Generator.Declared() {
			w := r.watermarks().Say(e.Time)
			r.ignored()
			r.raise(w)
		}
	case connector.Idle:
		r.say(r.pace.SetIdle())
	case connector.Active:
		r.say(r.pace.Came())
	case connector.Advance:
		if r.scripted && e.Time > 0 {
			r.advance(e.Time)
		}
	}
}

// advance moves the clock of the scripts. The reader had nothing meanwhile.
func (r *Reading) advance(d int64) {
	r.pace.Wait(r.source.Now())
	r.clock(r.source.Script.advance(d))
}

// clock tells the steps behind what the clock of the scripts shows, when this or
// another script has moved it, and ends the wait until then.
func (r *Reading) clock(now int64) {
	if now > r.shown {
		r.shown = now
		r.add(Message{Message: exchange.Message{Kind: exchange.ProcessingTime, Time: now}})
		r.say(r.pace.Tick(now))
	}
	r.pace.Waited(now)
}

// say passes on what is new.
func (r *Reading) say(s watermark.Say) {
	if s.Active {
		r.tracked.setIdle(false)
		r.add(control(exchange.Active, 0))
		r.moved(watermark.Input{State: watermark.Active, Watermark: r.watermarks().Current()})
	}
	if s.Watermark > batch.MinTime {
		r.tracked.said(s.Watermark)
		r.add(control(exchange.Watermark, s.Watermark))
	}
	if s.Idle {
		r.tracked.setIdle(true)
		r.add(control(exchange.Idle, 0))
		r.moved(watermark.Input{State: watermark.Idle, Watermark: r.watermarks().Current()})
	}
}

// raise takes the watermark behind what has come.
func (r *Reading) raise(w int64) {
	r.say(r.pace.Raise(w, r.source.Now()))
	r.moved(watermark.Input{State: watermark.Active, Watermark: w})
}

func (r *Reading) ignored() {
	back, ahead := r.tracker.Ignored()
	r.source.Counters.Back.Add(back)
	r.source.Counters.Ahead.Add(ahead)
}

func (r *Reading) watermarks() *wm.Tracker {
	if r.tracker == nil {
		r.tracker = r.source.Read.EventTime.Generator.New()
	}
	return r.tracker
}

// watch passes rows on with the watermarks behind them.
func (r *Reading) watch(b *batch.Batch) (err error) {
	defer func() { // the generator may be the user's
		if v := recover(); v != nil {
			err = fmt.Errorf("watermark %s: the function panicked: %v\n%s", r.source.Read.EventTime.Generator, v, debug.Stack())
		}
	}()
	var marks []int64
	if r.marks != nil {
		if marks, err = r.marks(b.Root); err != nil {
			return fmt.Errorf("%s: watermark: %w", r.split.Name, err)
		}
	}
	if r.source.Read.EventTime.Generator.EachRow() {
		r.watchRows(b, marks)
		return nil
	}
	r.data(b)
	before := r.watermarks().Current()
	if w := r.observe(b.Time, marks); w > before {
		r.raise(w)
	}
	return nil
}

// watchRows cuts rows where the watermark rises.
func (r *Reading) watchRows(b *batch.Batch, marks []int64) {
	from := 0
	for i := range b.Len() {
		row := b.Row(i)
		before := r.watermarks().Current()
		w := r.observe(one(b.Time, row), one(marks, row))
		if w > before {
			r.data(b.Slice(from, i+1))
			r.raise(w)
			from = i + 1
		}
	}
	if from < b.Len() {
		r.data(b.Slice(from, b.Len()))
	}
}

func one(times []int64, row int) []int64 {
	if times == nil {
		return nil
	}
	return times[row : row+1]
}

// observe shows rows to the generator.
func (r *Reading) observe(times, marks []int64) int64 {
	t := r.watermarks()
	for _, w := range marks {
		if w > batch.MinTime {
			t.Say(w)
		}
	}
	w := t.Observe(times)
	r.ignored()
	return w
}

// believe looks for rows too far ahead of the clock: they are rejected, or do not
// count for the watermark.
func (r *Reading) believe(b *batch.Batch) (*batch.Batch, error) {
	ahead, reject, ok := r.source.Read.EventTime.Generator.Ahead()
	if !ok || b.Time == nil {
		return b, nil
	}
	limit := r.source.Now() + ahead.Microseconds()
	r.watermarks().Limit(limit)
	var kept []int32
	beyond := 0
	for i := range b.Len() {
		row := b.Row(i)
		if b.Time[row] <= limit {
			if reject && beyond > 0 {
				kept = append(kept, int32(row))
			}
			continue
		}
		if beyond++; !reject {
			continue
		}
		if beyond == 1 { // the rows before are all kept
			for k := range i {
				kept = append(kept, int32(b.Row(k)))
			}
		}
		if err := r.source.Bad(r.tooFar(b, row, limit)); err != nil {
			return nil, err
		}
	}
	if beyond == 0 {
		return b, nil
	}
	if !reject {
		r.source.Counters.Ahead.Add(int64(beyond))
		return b, nil
	}
	if kept == nil {
		kept = []int32{}
	}
	return b.WithSel(kept), nil
}

func (r *Reading) tooFar(b *batch.Batch, row int, limit int64) connector.BadRecord {
	ahead, _, _ := r.source.Read.EventTime.Generator.Ahead()
	text := b.Root.Format(row)
	at := wm.Format(b.Time[row])
	return connector.BadRecord{
		Place: r.split.Name, Raw: []byte(text[:min(len(text), connector.MaxRawBytes)]),
		Err: fmt.Errorf("event time %s is more than %s ahead of the clock, which shows %s", at, ahead, wm.Format(limit-ahead.Microseconds())),
	}
}

// align waits while this reader is too far ahead of the slowest. held says that it
// has waited, or that something is to be said before.
func (r *Reading) align(ctx context.Context) (held bool, err error) {
	if r.pace == nil || r.scripted {
		return false, nil
	}
	moved := r.source.holds(r.rank)
	if moved == nil {
		return false, nil
	}
	if s := r.pace.Flush(); s.Watermark > batch.MinTime {
		r.say(s)
		return true, nil
	}
	select {
	case <-moved:
		return true, nil
	case <-ctx.Done():
		return true, ctx.Err()
	}
}

// moved tells the other readers of the source where this one is.
func (r *Reading) moved(in watermark.Input) {
	if r.pace != nil {
		r.source.moved(r.rank, in)
	}
}
