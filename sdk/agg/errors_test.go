package agg

import (
	"flag"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/sdk/field"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/errors.txt anew")

type small struct {
	N     int64
	Mean  float64
	Maybe *float64
	List  []int64
}

type inner struct{ A, B int64 }

type outer struct {
	Inner inner
	Other int64
}

type hidden struct {
	N     int64
	count int64
}

func (h *hidden) Add(e item)      { h.count++ }
func (h *hidden) Merge(o *hidden) { h.count += o.count }
func (h *hidden) Result() int64   { return h.count }

// badAggregates are descriptions with mistakes, each with a title.
func badAggregates() (titles []string, errs []error) {
	var foreign int64
	calls := 0
	add := func(title string, err error) { titles, errs = append(titles, title), append(errs, err) }
	into := func(title string, f func(*item, *small) []Term) {
		_, err := Into(f).Plan()
		add(title, err)
	}
	all := func(e *item, o *small, but ...Term) []Term {
		return append(but, Mean(o.Maybe, &e.I), LastN(&o.List, &e.I, 1))
	}
	into("nil description", nil)
	into("no terms", func(e *item, o *small) []Term { return nil })
	into("fields that are never set", func(e *item, o *small) []Term { return []Term{Count(&o.N)} })
	into("a field set twice", func(e *item, o *small) []Term {
		return all(e, o, Count(&o.N), Mean(&o.Mean, &e.I), Sum(&o.N, &e.I))
	})
	into("foreign pointers", func(e *item, o *small) []Term {
		return all(e, o, Count(&foreign), Mean(&o.Mean, &foreign), Count(&o.N))
	})
	into("a nil pointer", func(e *item, o *small) []Term {
		return all(e, o, Count[int64](nil), Count(&o.N), Mean(&o.Mean, &e.I))
	})
	into("a description that depends on values", func(e *item, o *small) []Term {
		calls++
		if calls%2 == 0 {
			return all(e, o, Count(&o.N), Mean(&o.Mean, &e.I))
		}
		return all(e, o, Count(&o.N), Mean(&o.Mean, &e.U))
	})
	into("a panic", func(e *item, o *small) []Term { panic("oh") })
	into("mean of a nullable field into a plain one", func(e *item, o *small) []Term {
		return all(e, o, Count(&o.N), Mean(&o.Mean, e.Small))
	})
	into("max under a condition into a plain field", func(e *item, o *small) []Term {
		return all(e, o, Where(field.Equal(&e.Flag, true), Max(&o.N, &e.I)), Mean(&o.Mean, &e.I))
	})
	into("variance into a plain field", func(e *item, o *small) []Term {
		return all(e, o, Count(&o.N), Variance(&o.Mean, &e.I))
	})
	into("floats into an integer", func(e *item, o *small) []Term {
		return all(e, o, Sum(&o.N, &e.F), Mean(&o.Mean, &e.I))
	})
	into("a list of no values", func(e *item, o *small) []Term {
		return []Term{Count(&o.N), Mean(&o.Mean, &e.I), Mean(o.Maybe, &e.I), LastN(&o.List, &e.I, 0)}
	})
	into("bad constants", func(e *item, o *small) []Term {
		return []Term{Count(&o.N), Quantile(&o.Mean, &e.I, 1.5), Quantile(o.Maybe, &e.I, math.NaN()), Histogram(&o.List, &e.I, 3, 3)}
	})
	into("an empty term and an empty condition", func(e *item, o *small) []Term {
		return all(e, o, Term{}, Where(field.Cond{}, Count(&o.N)), Where(field.Equal(&e.I, 1)), Mean(&o.Mean, &e.I))
	})
	into("key and window under a condition", func(e *item, o *small) []Term {
		return all(e, o, Where(field.Equal(&e.I, 1), Key(&o.N)), Mean(&o.Mean, &e.I))
	})
	_, err := Into(func(e *item, o *outer) []Term { return []Term{Count(&o.Inner.A)} }).Plan()
	add("nested fields that are never set", err)
	_, err = Into(func(e *item, o *outer) []Term {
		return []Term{Count(&o.Inner.A), Key(&o.Inner), Count(&o.Other)}
	}).Plan()
	add("a struct and a part of it", err)
	_, err = Custom(func() *hidden { return new(hidden) }).Plan()
	add("an accumulator with unexported fields", err)
	one := new(geo)
	_, err = Custom(func() *geo { return one }).Plan()
	add("an accumulator shared by all groups", err)
	_, err = Custom(func() *geo { return nil }).Plan()
	add("a nil accumulator", err)
	return titles, errs
}

// TestConstructionErrors holds the texts of what is said about mistakes in
// descriptions: every mistake is refused, and all of a description together.
func TestConstructionErrors(t *testing.T) {
	var b strings.Builder
	titles, errs := badAggregates()
	for i, err := range errs {
		if err == nil {
			t.Errorf("%s: no error", titles[i])
			continue
		}
		b.WriteString("# " + titles[i] + "\n" + err.Error() + "\n\n")
	}
	const file = "testdata/errors.txt"
	if *rewrite {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("errors differ from %s (-rewrite writes it anew):\n%s", file, b.String())
	}
}

// TestString shows a plan as EXPLAIN prints it, what it reads and what it needs.
func TestString(t *testing.T) {
	p := mustPlan(t, Into(func(e *item, o *small) []Term {
		return []Term{
			Count(&o.N), Where(field.And(field.Equal(&e.S, "buy"), field.AtLeast(&e.I, 3)), Max(o.Maybe, &e.F)),
			Mean(&o.Mean, &e.I), LastN(&o.List, &e.I, 20, By(&e.Seq)),
		}
	}))
	if got, want := p.String(), `count, max(F where S = "buy" and I ≥ 3), mean(I), lastN(I, 20 by Seq)`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !p.UsesTime() || p.NeedsKey() || p.NeedsWindow() || p.All() {
		t.Error("lastN uses event time, and nothing uses key or window")
	}
	var names []string
	for _, path := range p.Reads() {
		names = append(names, fieldName(p.Input(), path))
	}
	if got := strings.Join(names, " "); got != "I F S Seq" {
		t.Errorf("reads %s", got)
	}
	key := mustPlan(t, Into(func(e *item, o *struct {
		Key string
		At  time.Time
	}) []Term {
		return []Term{Key(&o.Key), WindowEnd(&o.At)}
	}))
	if !key.NeedsKey() || !key.NeedsWindow() || key.UsesTime() {
		t.Error("key and window are needed, event time is not")
	}
	if err := key.CheckKey(column(int64(1)).Type); err == nil || !strings.Contains(err.Error(), "the key is int64 and the field string") {
		t.Errorf("an int64 key into a string field: %v", err)
	}
}
