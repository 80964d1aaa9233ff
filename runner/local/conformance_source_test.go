package local_test

import (
	"errors"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
)

// timedElement is a row with its event time in a column.
type timedElement struct {
	Element element   `leat:"element"`
	At      time.Time `leat:"at"`
}

// read returns the elements of a stream.
func (b *beamRun) read(name string, events []beamEvent) leat.PCollection[element] {
	var rows []timedElement
	for _, e := range events {
		for _, x := range e.Elements {
			rows = append(rows, timedElement{element{x.K, x.V}, time.UnixMicro(micros(x.TS)).UTC()})
		}
		if e.Elements == nil && e.Watermark != "+inf" {
			b.err = errors.New("the source cannot script time yet")
		}
	}
	in := leat.Read(b.p, name, memory.Of(rows...), leat.EventTimeField(func(e *timedElement) *time.Time { return &e.At }, watermark.None()))
	return leat.Map(in, name+"-element", func(e timedElement) element { return e.Element })
}
