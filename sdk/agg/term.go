package agg

import (
	"time"

	"github.com/leatflow/leat/sdk/field"
)

// Integer is a Go integer of any width.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Number is a Go integer or float.
type Number interface{ Integer | ~float32 | ~float64 }

// Term is one line of a description: an output field and what fills it. Terms
// are made by the functions of this package and mean something only as the
// result of a description.
type Term struct {
	function string // as EXPLAIN shows it
	out, in  any    // pointers into the probes; in is nil for terms that read no field
	by       []any
	args     string // constants, as EXPLAIN shows them
	empty    emptiness
	build    builder
	err      error // a constant argument is wrong

	cond  *field.Cond // of Where, which has terms and no output of its own
	terms []Term
}

// emptiness says what a term gives for a group in which no row counted.
type emptiness uint8

const (
	emptyValue emptiness = iota // a value all the same: 0, an empty list
	emptyNull                   // null
	singleNull                  // null even for a group of one row
)

// builder registers the states a resolved term needs and returns how the
// output column is made from them.
type builder func(r *resolver, t *bound) (finish, error)

// finish makes the output column of one term for the slots of a request.
type finish func(t *Table, q *request) (output, error)

// request is one call of Results.
type request struct {
	slots      []int32
	keys       keys
	start, end []int64
}

// Order names the fields that order rows of the same event time; see By.
type Order struct{ pointers []any }

// By names fields of the input that decide between rows with the same event
// time, the first one first. They are pointers into the row: agg.By(&e.Seq).
// For TopK and BottomK they are what the rows are ranked by.
func By(fields ...any) Order { return Order{fields} }

func orders(by []Order) []any {
	var out []any
	for _, o := range by {
		out = append(out, o.pointers...)
	}
	return out
}

// Where applies terms only to the rows for which c is true. Conditions nest.
func Where(c field.Cond, t ...Term) Term {
	return Term{function: "where", cond: &c, terms: t}
}

// Key puts the group's key into a field of the result, which has the key's type.
func Key[K any](out *K) Term {
	return Term{function: "key", out: out, build: buildKey}
}

// WindowStart puts the begin of the window into a field of the result.
func WindowStart(out *time.Time) Term {
	return Term{function: "window start", out: out, build: buildWindow(false)}
}

// WindowEnd puts the end of the window, which no longer belongs to it, into a
// field of the result.
func WindowEnd(out *time.Time) Term {
	return Term{function: "window end", out: out, build: buildWindow(true)}
}
