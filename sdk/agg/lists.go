package agg

import (
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
)

// First is the value of the earliest row by event time, then the fields of By,
// then the value itself.
func First[T any](out, in *T, by ...Order) Term {
	return edge("first", out, in, by, false)
}

// Last is the value of the latest row by event time, then the fields of By, then
// the value itself.
func Last[T any](out, in *T, by ...Order) Term {
	return edge("last", out, in, by, true)
}

func edge(function string, out, in any, by []Order, highest bool) Term {
	return Term{function: function, out: out, in: in, by: orders(by), empty: emptyNull,
		build: func(r *resolver, t *bound) (finish, error) {
			outType := t.outType
			if s, ok := r.edge(t, highest); ok {
				return func(t *Table, q *request) (output, error) {
					v := newVector(outType)
					t.states[s].(*edges).addTo(v, q.slots)
					c, err := v.column()
					return output{column: c}, err
				}, nil
			}
			s := r.ranked(t, rankSpec{limit: 1, highest: highest, timed: true})
			return func(t *Table, q *request) (output, error) {
				v := newVector(outType)
				r := t.states[s].(*ranked)
				for _, slot := range q.slots {
					if int(slot) < len(r.lone) && r.lone[slot].set {
						v.addBits(r.lone[slot].bits)
					} else if e := r.entries(slot); len(e) == 0 {
						v.addNull()
					} else if err := v.add(e[0].value); err != nil {
						return output{}, err
					}
				}
				c, err := v.column()
				return output{column: c}, err
			}, nil
		}}
}

// FirstN lists the values of the n earliest rows, earliest first; see First for
// the order.
func FirstN[T any](out *[]T, in *T, n int, by ...Order) Term {
	return several("firstN", out, in, n, by, rankSpec{limit: n, timed: true}, false)
}

// LastN lists the values of the n latest rows, the latest at the end; see Last
// for the order.
func LastN[T any](out *[]T, in *T, n int, by ...Order) Term {
	return several("lastN", out, in, n, by, rankSpec{limit: n, timed: true, highest: true}, false)
}

// TopK lists the n largest values, the largest first. With By it lists the
// values of the n rows in which those fields are largest: TopK(&r.Items,
// &e.Item, 5, agg.By(&e.Price)) are the five dearest items; between equal ranks
// the later event time is first, then the larger value. Null ranks lowest.
func TopK[T any](out *[]T, in *T, n int, by ...Order) Term {
	return several("topK", out, in, n, by, rankSpec{limit: n, highest: true, byFirst: true, timed: len(by) > 0}, true)
}

// BottomK lists the n smallest values, the smallest first. With By it lists the
// values of the n rows in which those fields are smallest; between equal ranks
// the earlier event time is first, then the smaller value.
func BottomK[T any](out *[]T, in *T, n int, by ...Order) Term {
	return several("bottomK", out, in, n, by, rankSpec{limit: n, byFirst: true, timed: len(by) > 0}, false)
}

// CollectList lists all values in the order of First. Its memory grows with the
// group.
func CollectList[T any](out *[]T, in *T, by ...Order) Term {
	t := several("collectList", out, in, 1, by, rankSpec{timed: true}, false)
	t.args = ""
	return t
}

func several(function string, out, in any, n int, by []Order, spec rankSpec, descending bool) Term {
	t := Term{function: function, out: out, in: in, by: orders(by), args: fmt.Sprint(n)}
	if n < 1 {
		t.err = fmt.Errorf("the number of values to keep is %d; it must be at least 1", n)
	}
	t.build = func(r *resolver, b *bound) (finish, error) {
		s := r.ranked(b, spec)
		outType := b.outType
		return func(t *Table, q *request) (output, error) {
			v := newVector(outType)
			for _, slot := range q.slots {
				if err := v.addList(t.states[s].(*ranked).entries(slot), descending); err != nil {
					return output{}, err
				}
			}
			c, err := v.column()
			return output{column: c}, err
		}, nil
	}
	return t
}

// addList appends the values of entries as one list.
func (v *vector) addList(entries []entry, descending bool) error {
	for i := range entries {
		e := &entries[i]
		if descending {
			e = &entries[len(entries)-1-i]
		}
		if err := v.children[0].add(e.value); err != nil {
			return err
		}
	}
	v.endList()
	return nil
}

func (r *resolver) ranked(t *bound, spec rankSpec) int {
	name := fmt.Sprintf("rows(%s by %s, %d, highest %t, time %t, by first %t)",
		t.in.Name, field.Names(t.by), spec.limit, spec.highest, spec.timed, spec.byFirst)
	paths := [][]int{t.in.Path}
	for _, by := range t.by {
		paths = append(paths, by.Path)
	}
	return r.state(stateSpec{
		name: name, where: t.where, paths: paths, timed: spec.timed,
		fields: []batch.Field{{Name: name, Type: rankedType}},
		make:   func() state { return &ranked{rankSpec: spec} },
	})
}
