package agg

import (
	"github.com/leatflow/leat/sdk/batch"
)

// Count counts the rows.
func Count[O Integer](out *O) Term {
	return Term{function: "count", out: out, build: func(r *resolver, t *bound) (finish, error) {
		return finishCount(r.rows(t.where)), nil
	}}
}

// CountOf counts the rows in which the field in is not null.
func CountOf[O Integer, T any](out *O, in *T) Term {
	return Term{function: "count", out: out, in: in, build: func(r *resolver, t *bound) (finish, error) {
		return finishCount(r.present(t)), nil
	}}
}

func finishCount(state int) finish {
	return func(t *Table, q *request) (output, error) {
		return output{ints: pick(t.states[state].(*counts).n, q.slots)}, nil
	}
}

// rows registers the state that counts the rows of a condition.
func (r *resolver) rows(where int) int {
	return r.state(stateSpec{
		name: "count", where: where, fields: []batch.Field{{Name: "count", Type: intType}},
		make: func() state { return new(counts) },
	})
}

// present registers the state that counts the rows in which the input of t is
// not null. A field that cannot be null shares the count of rows.
func (r *resolver) present(t *bound) int {
	if !t.in.Type.Nullable {
		return r.rows(t.where)
	}
	return r.state(stateSpec{
		name: "count(" + t.in.Name + ")", where: t.where, paths: [][]int{t.in.Path},
		fields: []batch.Field{{Name: "count(" + t.in.Name + ")", Type: intType}},
		make:   func() state { return new(counts) },
	})
}

// counts counts what it is given.
type counts struct{ n []int64 }

func (c *counts) grow(n int) { c.n = extend(c.n, n, 0) }

func (c *counts) reset(slots []int32) {
	for _, s := range slots {
		c.n[s] = 0
	}
}

func (c *counts) add(v *view) error {
	if v.slots == nil {
		c.n[v.slot] += int64(v.n)
		return nil
	}
	n := c.n
	for _, s := range v.slots {
		n[s]++
	}
	return nil
}

func (c *counts) copyFrom(dst, src []int32) {
	for i, d := range dst {
		c.n[d] = c.n[src[i]]
	}
}

func (c *counts) merge(dst, src []int32) {
	n := c.n
	for i, d := range dst {
		n[d] += n[src[i]]
	}
}

func (c *counts) save(slots []int32) ([]*batch.Column, error) {
	return []*batch.Column{batch.NewInts(intType, pick(c.n, slots))}, nil
}

func (c *counts) load(slots []int32, saved []*batch.Column, rows []int32) error {
	for i, s := range slots {
		c.n[s] += saved[0].Ints[rowAt(rows, i)]
	}
	return nil
}

func (c *counts) sizeBytes() int64 { return int64(8 * cap(c.n)) }
