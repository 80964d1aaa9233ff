package agg

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
)

// The terms here take their values from the group itself: key and window.

type keys = *batch.Column

func buildKey(r *resolver, t *bound) (finish, error) {
	if t.where != 0 {
		return nil, errors.New("agg.Key does not depend on rows; put it outside of agg.Where")
	}
	outType := t.outType
	return func(_ *Table, q *request) (output, error) {
		if q.keys == nil {
			return output{}, errors.New("the rows have no key; group them with leat.KeyBy first")
		}
		if err := sameKind(q.keys.Type, outType); err != nil {
			return output{}, err
		}
		return output{column: q.keys}, nil
	}, nil
}

// CheckKey reports whether a key of the given type can go where terms put it.
func (p *Plan) CheckKey(key *batch.Type) error {
	var errs []error
	for _, b := range p.terms {
		if b.function != "key" {
			continue
		}
		if err := sameKind(key, b.outType); err != nil {
			errs = append(errs, fmt.Errorf("agg.Key into field %s: %w", b.out.Name, err))
		} else if key.Nullable && !b.outType.Nullable {
			errs = append(errs, fmt.Errorf("agg.Key into field %s: the key may be null and the field cannot; make the field a pointer", b.out.Name))
		}
	}
	return errors.Join(errs...)
}

func sameKind(key, field *batch.Type) error {
	a, b := *key, *field
	a.Nullable, b.Nullable = false, false
	if !a.Equal(&b) {
		return fmt.Errorf("the key is %s and the field %s; give the field the type of the key", &a, &b)
	}
	return nil
}

func buildWindow(end bool) builder {
	return func(r *resolver, t *bound) (finish, error) {
		if t.where != 0 {
			return nil, errors.New("the window does not depend on rows; put agg.WindowStart and agg.WindowEnd outside of agg.Where")
		}
		return func(_ *Table, q *request) (output, error) {
			times := q.start
			if end {
				times = q.end
			}
			if len(times) < len(q.slots) {
				return output{}, errors.New("the rows have no windows; put them into windows with leat.Window first")
			}
			return output{ints: times[:len(q.slots):len(q.slots)], same: true}, nil
		}, nil
	}
}
