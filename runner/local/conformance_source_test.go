package local_test

import (
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
)

// read is a stream of a case as a source: a bundle is a batch.
func (b *beamRun) read(name string, events []beamEvent) leat.PCollection[element] {
	return b.script(name, b.events(events)...)
}

// script is a source to which events happen.
func (b *beamRun) script(name string, events ...leattest.Event) leat.PCollection[element] {
	return leat.Read[element](b.p, name, leattest.Stream[element](events...))
}

// events are those of a case as a script.
func (b *beamRun) events(events []beamEvent) (script []leattest.Event) {
	for _, e := range events {
		switch {
		case e.Advance != nil:
			script = append(script, leattest.ProcessingTime(millis(*e.Advance)))
		case e.Watermark != nil:
			w, err := e.watermark()
			if err != nil {
				b.err = err
				continue
			}
			if w == batch.MaxTime && b.Bounded {
				continue // it ends, which says the same on both plans
			}
			if w == batch.MaxTime {
				script = append(script, leattest.WatermarkToEnd())
			} else {
				script = append(script, leattest.Watermark(time.UnixMicro(w).UTC()))
			}
		default:
			var rows []leattest.Event
			for _, x := range e.Elements {
				rows = append(rows, leattest.At(time.UnixMicro(micros(x.TS)).UTC(), element{x.K, x.V}))
			}
			script = append(script, leattest.Batch(rows...))
		}
	}
	return script
}
