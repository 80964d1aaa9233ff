package leat

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/watermark"
)

// EventTime computes the event time of each row with a function, which reads
// every column of T; a time with nanoseconds is floored to microseconds. f may
// be called from several goroutines at once.
func EventTime[T any](f func(T) time.Time, g watermark.Generator) ReadOption[T] {
	return ReadOption[T]{apply: func(r *reading[T]) error {
		if f == nil {
			return errors.New("leat.EventTime got a nil function")
		}
		if r.rows == nil {
			return nil // Read has reported it
		}
		return r.setTime(graph.EventTime{
			Name: "func", Generator: g,
			New: func() graph.TimeFn {
				return newTimeFn(r.rows, func(row T) (int64, error) { return micros(f(row)) })
			},
		})
	}}
}

// EventTimeField takes the event time of each row from a time column. It costs
// nothing per row, and the source need read no other column for it.
func EventTimeField[T any](f func(*T) *time.Time, g watermark.Generator) ReadOption[T] {
	return ReadOption[T]{apply: func(r *reading[T]) error {
		from, err := timeField(f, "leat.EventTimeField")
		if err != nil {
			return err
		}
		if len(from.Path) > 0 && r.rows != nil { // groups of leat.Columns may have shifted it
			if from, err = bind(from, r.rows.Type()); err != nil {
				return err
			}
		}
		if from.Type != nil && from.Type.Nullable {
			return fmt.Errorf("leat.EventTimeField: column %s is nullable; every row needs an event time, so compute it with leat.EventTime", from.Name)
		}
		return r.setTime(graph.EventTime{Path: from.Path, Name: from.Name, Generator: g})
	}}
}

// timeField runs the description of an option and returns the column it names.
func timeField[T any](f func(*T) *time.Time, option string) (field.Ref, error) {
	if f == nil {
		return field.Ref{}, fmt.Errorf("%s got a nil function", option)
	}
	var runs [field.Variants]field.Ref
	for v := range runs {
		probe, err := field.NewProbe(reflect.TypeFor[T](), v)
		if err != nil {
			return field.Ref{}, nil // Read has reported it
		}
		var pointer *time.Time
		if err := field.Guard(func() { pointer = f(probe.Value().Interface().(*T)) }); err != nil {
			return field.Ref{}, fmt.Errorf("%s: %w", option, err)
		}
		if runs[v], err = probe.Resolve(pointer, "the result of "+option); err != nil {
			return field.Ref{}, err
		}
	}
	switch from := runs[0]; {
	case from.Name != runs[1].Name:
		return from, fmt.Errorf("%s named %s on one sample value and %s on another; it runs once, at construction, and must not depend on values", option, from.Name, runs[1].Name)
	case len(from.Path) == 0:
		return from, fmt.Errorf("%s: rows of %s are the time itself; use %s", option, reflect.TypeFor[T](), strings.TrimSuffix(option, "Field"))
	default:
		return from, nil
	}
}

func (r *reading[T]) setTime(t graph.EventTime) error {
	if r.op.EventTime.Declared() {
		return errors.New("event time is declared twice")
	}
	t.Marks, t.MarkPath = r.op.EventTime.Marks, r.op.EventTime.MarkPath
	r.op.EventTime = t
	return t.Generator.Validate()
}

// newTimeFn returns a function that computes times row by row.
func newTimeFn[T any](rows decoder[T], f func(T) (int64, error)) graph.TimeFn {
	in := newRowsIn(rows)
	return func(root *batch.Column) ([]int64, error) {
		times := make([]int64, root.Len)
		err := in.each(&batch.Batch{Root: root}, func(chunk []T, physical []int32) error {
			for i := range chunk {
				in.at = i
				us, err := f(chunk[i])
				if err != nil {
					return &RowError{Row: printRow(chunk[i]), Err: err}
				}
				times[physical[i]] = us
			}
			return nil
		})
		return times, err
	}
}

// micros converts an event time, which must lie between batch.MinTime and
// batch.MaxTime.
func micros(at time.Time) (int64, error) {
	seconds := at.Unix()
	if seconds <= batch.MinTime/1e6 || seconds >= batch.MaxTime/1e6 {
		return 0, fmt.Errorf("event time %s is out of range: times reach from year %d to %d", at.Format(time.RFC3339),
			time.UnixMicro(batch.MinTime).UTC().Year(), time.UnixMicro(batch.MaxTime).UTC().Year())
	}
	return at.UnixMicro(), nil
}
