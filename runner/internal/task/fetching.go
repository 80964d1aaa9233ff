package task

import (
	"context"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// fetching asks a reader in a goroutine of its own, so that time can be told while
// the reader has nothing: that the split is idle, or a watermark that had to wait.
// There is never more than one request under way.
type fetching struct {
	coming chan fetched // nil: no request is under way
	cancel context.CancelFunc
}

type fetched struct {
	event connector.Event
	err   error
}

// start asks for the next event, unless that has been done.
func (f *fetching) start(ctx context.Context, read func(context.Context) (connector.Event, error)) {
	if f.coming != nil {
		return
	}
	ctx, f.cancel = context.WithCancel(ctx)
	coming := make(chan fetched, 1)
	f.coming = coming
	go func() {
		var f fetched
		if err := guard(func() error { f.event, f.err = read(ctx); return nil }); err != nil {
			f.err = err
		}
		coming <- f
	}()
}

// took ends a request whose answer was taken.
func (f *fetching) took() {
	f.cancel()
	f.coming = nil
}

// stop ends a request that nobody waits for any more.
func (f *fetching) stop() {
	if f.coming == nil {
		return
	}
	f.cancel()
	<-f.coming
	f.coming = nil
}

// ask asks the reader itself.
func (r *Reading) ask(ctx context.Context) (connector.Event, error) {
	if events, ok := r.reader.(connector.EventReader); ok {
		return events.ReadEvent(ctx)
	}
	b, err := r.reader.Read(ctx)
	return connector.Event{Batch: b}, err
}

// event returns what comes next. came is false when it was time to say something
// before.
func (r *Reading) event(ctx context.Context) (e connector.Event, came bool, err error) {
	switch {
	case r.scripted:
		e, err = r.scriptedEvent(ctx)
		return e, true, err
	case r.pace == nil || r.pace.Every == 0 && r.pace.Idle == 0:
		e, err = r.ask(ctx)
		return e, true, err
	}
	r.fetching.start(ctx, r.ask)
	select { // what is there counts before time that has passed
	case f := <-r.fetching.coming:
		r.fetching.took()
		return f.event, true, f.err
	default:
	}
	r.pace.Wait(r.source.Now())
	defer func() { r.pace.Waited(r.source.Now()) }()
	timer := time.NewTimer(r.untilDue())
	defer timer.Stop()
	for {
		select {
		case f := <-r.fetching.coming:
			r.fetching.took()
			return f.event, true, f.err
		case <-timer.C:
			if r.say(r.pace.Tick(r.source.Now())); len(r.waiting) > 0 {
				return e, false, nil
			}
			timer.Reset(r.untilDue())
		case <-ctx.Done():
			return e, false, ctx.Err()
		}
	}
}

// untilDue returns how long nothing is to be said. The clock need not go as fast as
// a timer, so it is looked at again then.
func (r *Reading) untilDue() time.Duration {
	due := r.pace.Due()
	if due == batch.MaxTime {
		due = r.source.Now() + dayMicros
	}
	return time.Duration(min(max(1, due-r.source.Now()), dayMicros)) * time.Microsecond
}

// scriptedEvent waits for the turn of a script and returns its next event.
func (r *Reading) scriptedEvent(ctx context.Context) (connector.Event, error) {
	if !r.more {
		r.pace.Wait(r.source.Now())
		err := r.source.Script.await(ctx, r.steps, r.source.Node.ID)
		if err != nil {
			return connector.Event{}, err
		}
		r.steps++
		r.clock(r.source.Now())
	}
	e, err := r.ask(ctx)
	r.more = e.More
	return e, err
}
