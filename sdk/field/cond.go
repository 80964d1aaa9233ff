package field

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

// Ordered is a type whose values can be compared by order: numbers, strings and
// time.Time.
type Ordered interface{ cmp.Ordered | time.Time }

// Cond is a condition over fields of a row, as a description returns it. Nulls
// follow SQL: a comparison with null is unknown, Not of unknown is unknown, and
// only rows for which the whole is true are kept. NaN differs from every value
// and is in no order with any: NotEqual keeps it, Not(Less(…)) does not.
type Cond struct {
	op       Op
	pointer  any
	values   []any
	children []Cond
}

// Equal keeps rows whose field equals v.
func Equal[T comparable](f *T, v T) Cond { return compare(OpEqual, f, v) }

// NotEqual keeps rows whose field is not null and differs from v.
func NotEqual[T comparable](f *T, v T) Cond { return compare(OpNotEqual, f, v) }

// Less keeps rows whose field is below v.
func Less[T Ordered](f *T, v T) Cond { return compare(OpLess, f, v) }

// AtMost keeps rows whose field is v or below.
func AtMost[T Ordered](f *T, v T) Cond { return compare(OpAtMost, f, v) }

// Greater keeps rows whose field is above v.
func Greater[T Ordered](f *T, v T) Cond { return compare(OpGreater, f, v) }

// AtLeast keeps rows whose field is v or above.
func AtLeast[T Ordered](f *T, v T) Cond { return compare(OpAtLeast, f, v) }

// Between keeps rows with low ≤ field ≤ high.
func Between[T Ordered](f *T, low, high T) Cond { return And(AtLeast(f, low), AtMost(f, high)) }

// In keeps rows whose field equals one of values; none for an empty list.
func In[T comparable](f *T, values ...T) Cond {
	c := Cond{op: OpIn, pointer: f}
	for _, v := range values {
		c.values = append(c.values, v)
	}
	return c
}

// IsNull keeps rows whose field is null. The field is a pointer in the row.
func IsNull[T any](f *T) Cond { return Cond{op: OpIsNull, pointer: f} }

// And keeps rows for which every condition holds; all rows when there is none.
func And(c ...Cond) Cond { return Cond{op: OpAnd, children: c} }

// Or keeps rows for which at least one condition holds; none when there is none.
func Or(c ...Cond) Cond { return Cond{op: OpOr, children: c} }

// Not keeps rows for which c is false. Rows for which c is unknown are dropped.
func Not(c Cond) Cond { return Cond{op: opNot, children: []Cond{c}} }

func compare(op Op, f, v any) Cond { return Cond{op: op, pointer: f, values: []any{v}} }

// Resolve turns a condition made on a probe into a predicate over columns.
func (c Cond) Resolve(p *Probe) (*Predicate, error) { return c.resolve(p, false) }

// resolve pushes negation down to the comparisons, after which two-valued
// evaluation gives SQL's three-valued answer.
func (c Cond) resolve(p *Probe, negate bool) (*Predicate, error) {
	switch c.op {
	case 0:
		return nil, errors.New("the condition is empty; make one with field.Equal, field.AtLeast, field.And, …")
	case opNot:
		return c.children[0].resolve(p, !negate)
	case OpAnd, OpOr:
		return c.resolveList(p, negate)
	}
	ref, err := p.Resolve(c.pointer, fmt.Sprintf("the first argument of field.%s", c.op.function()))
	if err != nil {
		return nil, err
	}
	out := &Predicate{Op: c.op, Ref: ref}
	if negate {
		out.Op = c.op.negated()
	}
	for _, v := range c.values {
		value, err := valueOf(v, ref.Type)
		if err != nil {
			return nil, fmt.Errorf("field.%s on %s: %w", c.op.function(), ref.Name, err)
		}
		out.Values = append(out.Values, value)
	}
	if ref.Type.Kind.Form() == batch.ListForm || ref.Type.Kind.Form() == batch.StructForm {
		if c.op != OpIsNull {
			return nil, fmt.Errorf("field.%s on %s: a %s cannot be compared; name a field inside it", c.op.function(), ref.Name, ref.Type.Kind)
		}
	}
	return out, nil
}

func (c Cond) resolveList(p *Probe, negate bool) (*Predicate, error) {
	op := c.op
	if negate {
		op = op.negated()
	}
	out := &Predicate{Op: op}
	var errs []error
	for _, child := range c.children {
		r, err := child.resolve(p, negate)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out.Children = append(out.Children, r)
	}
	return out, errors.Join(errs...)
}

// Describe runs a condition description on differently filled probes of A and
// returns what it names.
func Describe[A any](f func(*A) Cond) (*Predicate, error) {
	if f == nil {
		return nil, errors.New("the condition needs a function, got nil")
	}
	var runs [Variants]*Predicate
	for v := range runs {
		probe, err := NewProbe(reflect.TypeFor[A](), v)
		if err != nil {
			return nil, err
		}
		var c Cond
		if err := Guard(func() { c = f(probe.Value().Interface().(*A)) }); err != nil {
			return nil, err
		}
		if runs[v], err = c.Resolve(probe); err != nil {
			return nil, err
		}
	}
	if a, b := runs[0].String(), runs[1].String(); a != b {
		return nil, fmt.Errorf("the condition was %s on one sample value and %s on another; it runs once, at construction, and must not depend on the row", a, b)
	}
	return runs[0], nil
}

// Value is a literal of a condition or a bound of a statistic, in the physical
// form of its column.
type Value struct {
	Kind  batch.Kind
	Int   int64 // integers, time in µs; uint64 as the same bits
	Float float64
	Bool  bool
	Text  string
}

func valueOf(v any, t *batch.Type) (Value, error) {
	out := Value{Kind: t.Kind}
	if at, ok := v.(time.Time); ok {
		out.Int = at.UnixMicro()
		if at.Year() < -60000 || at.Year() > 60000 || time.UnixMicro(out.Int).Sub(at).Abs() >= time.Microsecond {
			return out, fmt.Errorf("the time %s cannot be held in microseconds", at)
		}
		return out, nil
	}
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		out.Int = r.Int()
	case r.CanUint():
		out.Int = int64(r.Uint())
	case r.CanFloat():
		out.Float = r.Float()
	case r.Kind() == reflect.Bool:
		out.Bool = r.Bool()
	case r.Kind() == reflect.String:
		out.Text = r.String()
	default:
		return out, fmt.Errorf("a %T cannot be compared; compare a field inside it", v)
	}
	return out, nil
}

// Compare orders two values of one kind, numerically or by bytes. NaN sorts last.
func (v Value) Compare(o Value) int {
	switch v.Kind.Form() {
	case batch.IntForm:
		if v.Kind == batch.Uint64 {
			return cmp.Compare(uint64(v.Int), uint64(o.Int))
		}
		return cmp.Compare(v.Int, o.Int)
	case batch.FloatForm:
		a, b := math.IsNaN(v.Float), math.IsNaN(o.Float)
		if a || b {
			return cmp.Compare(flag(a), flag(b))
		}
		return cmp.Compare(v.Float, o.Float)
	case batch.BoolForm:
		return cmp.Compare(flag(v.Bool), flag(o.Bool))
	}
	return cmp.Compare(v.Text, o.Text)
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// String renders the value as EXPLAIN shows it.
func (v Value) String() string {
	switch v.Kind.Form() {
	case batch.IntForm:
		if v.Kind == batch.Time {
			return time.UnixMicro(v.Int).UTC().Format(time.RFC3339Nano)
		}
		if v.Kind == batch.Uint64 {
			return fmt.Sprint(uint64(v.Int))
		}
		return fmt.Sprint(v.Int)
	case batch.FloatForm:
		return fmt.Sprint(v.Float)
	case batch.BoolForm:
		return fmt.Sprint(v.Bool)
	}
	return fmt.Sprintf("%q", v.Text)
}
