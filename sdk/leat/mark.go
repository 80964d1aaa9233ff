package leat

import (
	"errors"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// Watermark takes the watermark from the rows: no row behind this one has an event
// time before f(row). The zero time says nothing. It goes with the generator
// watermark.FromRow, given to EventTime or EventTimeField. f reads every column of
// T and may be called from several goroutines at once.
func Watermark[T any](f func(T) time.Time) ReadOption[T] {
	return ReadOption[T]{apply: func(r *reading[T]) error {
		if f == nil {
			return errors.New("leat.Watermark got a nil function")
		}
		if r.rows == nil {
			return nil // Read has reported it
		}
		return r.setMarks(func() graph.TimeFn {
			return newTimeFn(r.rows, func(row T) (int64, error) {
				if at := f(row); !at.IsZero() {
					return micros(at)
				}
				return batch.MinTime, nil
			})
		}, nil)
	}}
}

// WatermarkField takes the watermark from a time column, as Watermark does from a
// function; null says nothing. The source need read no other column for it.
func WatermarkField[T any](f func(*T) *time.Time) ReadOption[T] {
	return ReadOption[T]{apply: func(r *reading[T]) error {
		from, err := timeField(f, "leat.WatermarkField")
		if err != nil {
			return err
		}
		if len(from.Path) > 0 && r.rows != nil { // groups of leat.Columns may have shifted it
			if from, err = bind(from, r.rows.Type()); err != nil {
				return err
			}
		}
		return r.setMarks(func() graph.TimeFn { return columnMarks(from.Path) }, from.Path)
	}}
}

func (r *reading[T]) setMarks(marks func() graph.TimeFn, path []int) error {
	if r.op.EventTime.Marks != nil {
		return errors.New("the watermark of the rows is declared twice")
	}
	r.op.EventTime.Marks, r.op.EventTime.MarkPath = marks, path
	return nil
}

// marksFit refuses a watermark of rows that nobody asks for, and the reverse.
func marksFit(t graph.EventTime) error {
	switch takes := t.Generator.TakesRows(); {
	case takes && t.Marks == nil:
		return errors.New("the generator is watermark.FromRow, but nothing says where in the row the watermark is; add leat.Watermark or leat.WatermarkField")
	case !takes && t.Marks != nil:
		return errors.New("leat.Watermark and leat.WatermarkField need the generator watermark.FromRow; give it to leat.EventTime or leat.EventTimeField")
	}
	return nil
}

// columnMarks returns a function that reads the watermarks of rows from a column.
func columnMarks(path []int) graph.TimeFn {
	return func(root *batch.Column) ([]int64, error) {
		c := root.Flatten(path)
		marks := make([]int64, root.Len)
		for i := range marks {
			marks[i] = batch.MinTime
			if !c.Null(i) {
				marks[i] = max(batch.MinTime, min(c.Ints[i], batch.MaxTime))
			}
		}
		return marks, nil
	}
}
