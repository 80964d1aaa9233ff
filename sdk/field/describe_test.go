package field

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

var sampleType = reflect.TypeFor[sample]()

// NaN is in no order with any value and differs from every one: a comparison and
// its negation both leave it out, NotEqual keeps it.
func TestNaN(t *testing.T) {
	root := batch.NewFloats(&batch.Type{Kind: batch.Float64}, []float64{math.NaN(), 1, math.Inf(1), math.Copysign(0, -1)})
	for text, c := range map[string]struct {
		cond func(f *float64) Cond
		want []int32
	}{
		"less":           {func(f *float64) Cond { return Less(f, 5) }, []int32{1, 3}},
		"not less":       {func(f *float64) Cond { return Not(Less(f, 5)) }, []int32{2}},
		"not equal":      {func(f *float64) Cond { return NotEqual(f, 1) }, []int32{0, 2, 3}},
		"not (equal)":    {func(f *float64) Cond { return Not(Equal(f, 1)) }, []int32{0, 2, 3}},
		"equal NaN":      {func(f *float64) Cond { return Equal(f, math.NaN()) }, nil},
		"not in":         {func(f *float64) Cond { return Not(In(f, 1, math.NaN())) }, []int32{0, 2, 3}},
		"zero has no −":  {func(f *float64) Cond { return Equal(f, 0) }, []int32{3}},
		"at least −∞":    {func(f *float64) Cond { return AtLeast(f, math.Inf(-1)) }, []int32{1, 2, 3}},
		"between":        {func(f *float64) Cond { return Between(f, 0, 1) }, []int32{1, 3}},
		"less than NaN":  {func(f *float64) Cond { return Less(f, math.NaN()) }, nil},
		"not … than NaN": {func(f *float64) Cond { return Not(Less(f, math.NaN())) }, nil},
	} {
		p, err := Describe(c.cond)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.NewEvaluator().Rows(root, nil, nil); !slices.Equal(got, c.want) {
			t.Errorf("%s (%s) keeps rows %v, want %v", text, p, got, c.want)
		}
	}
}

// A predicate prints what it does, negations worked in, and lists what it reads.
func TestPredicateString(t *testing.T) {
	at := time.Date(2015, 1, 2, 3, 4, 5, 6000, time.UTC)
	for want, f := range map[string]func(s *sample) Cond{
		`i = 3`:            func(s *sample) Cond { return Equal(&s.I, 3) },
		`i ≠ 3 or s < "x"`: func(s *sample) Cond { return Not(And(Equal(&s.I, 3), AtLeast(&s.S, "x"))) },
		`(i ≥ 1 and i ≤ 2) or in.s is not null`: func(s *sample) Cond {
			return Or(Between(&s.I, 1, 2), Not(IsNull(s.In.S)))
		},
		`u in (1, 18446744073709551615)`:  func(s *sample) Cond { return In(&s.U, 1, math.MaxUint64) },
		`ns not in ("a\n", "b")`:          func(s *sample) Cond { return Not(In(s.NS, "a\n", "b")) },
		`b = true`:                        func(s *sample) Cond { return Equal(&s.B, true) },
		`t > 2015-01-02T03:04:05.000006Z`: func(s *sample) Cond { return Greater(&s.T, at) },
		`nf ≤ 0.5`:                        func(s *sample) Cond { return AtMost(s.NF, 0.5) },
		`true`:                            func(s *sample) Cond { return And() },
		`false`:                           func(s *sample) Cond { return Not(And()) },
		`in is null`:                      func(s *sample) Cond { return IsNull(s.In) },
		`in.i > -3 and (i = 0 or (u < 1 and b = false))`: func(s *sample) Cond {
			return And(Greater(&s.In.I, -3), Or(Equal(&s.I, 0), And(Less(&s.U, 1), Equal(&s.B, false))))
		},
	} {
		p, err := Describe(f)
		if err != nil {
			t.Fatal(err)
		}
		if p.String() != want {
			t.Errorf("got %s, want %s", p, want)
		}
	}
	p, err := Describe(func(s *sample) Cond { return And(Equal(&s.In.I, 1), Or(Less(&s.T, at), IsNull(s.NS))) })
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Reads(nil); !reflect.DeepEqual(got, [][]int{{10, 0}, {5}, {8}}) {
		t.Errorf("it reads %v", got)
	}
}

var outside int64

// What a description must not do is an error that says what was found and what
// to do instead.
func TestDescriptionErrors(t *testing.T) {
	calls := 0
	type key struct{ A, B string }
	of := func(f func(*sample) *int64) error {
		_, _, err := Of(f).Resolve()
		return err
	}
	into := func(f func(*sample, *key) []Term) error {
		_, _, err := Into(f).Resolve()
		return err
	}
	where := func(f func(*sample) Cond) error {
		_, err := Describe(f)
		return err
	}
	for _, c := range []struct {
		name string
		err  error
		says []string
	}{
		{"nil function", of(nil), []string{"field.Of needs a function"}},
		{"nil condition", where(nil), []string{"needs a function"}},
		{"nil into", into(nil), []string{"field.Into needs a function"}},
		{"nil pointer", of(func(s *sample) *int64 { return nil }), []string{"nil pointer", "&r.Field"}},
		{"foreign pointer", of(func(s *sample) *int64 { return &outside }), []string{"does not point into", "sample"}},
		{"copy of the row", of(func(s *sample) *int64 { c := *s; return &c.I }), []string{"does not point into"}},
		{"panic", of(func(s *sample) *int64 { panic("oh") }), []string{"panicked: oh", "may only name fields"}},
		{"depends on values", of(func(s *sample) *int64 {
			calls++
			if calls%2 == 0 {
				return &s.I
			}
			return new(int64)
		}), []string{"does not point into"}},
		{"two fields by value", func() error {
			_, _, err := Of(func(s *sample) *string {
				if s.I%2 == 0 {
					return &s.S
				}
				return s.NS
			}).Resolve()
			return err
		}(), []string{"(s)", "(ns)", "must not depend on values"}},
		{"condition depends on the row", where(func(s *sample) Cond { return Equal(&s.I, s.I) }), []string{"on one sample value", "on another", "must not depend on the row"}},
		{"empty condition", where(func(s *sample) Cond { return Cond{} }), []string{"the condition is empty", "field.Equal"}},
		{"empty key", func() error { _, _, err := (Key[sample, int64]{}).Resolve(); return err }(), []string{"the key is empty", "field.Of"}},
		{"pointer to a pointer field", where(func(s *sample) Cond { return IsNull(&s.NS) }), []string{"points to a pointer field", "without &"}},
		{"comparing a struct", where(func(s *sample) Cond { return Equal(s.In, inner{}) }), []string{"field.Equal on in", "compare a field inside it"}},
		{"a time no column holds", where(func(s *sample) Cond { return Less(&s.T, time.Date(70000, 1, 1, 0, 0, 0, 0, time.UTC)) }), []string{"field.Less on t", "microseconds"}},
		{"key field unset", into(func(s *sample, k *key) []Term { return []Term{Copy(&k.A, &s.S)} }), []string{"leaves field B", "field.Copy"}},
		{"key field set twice", into(func(s *sample, k *key) []Term {
			return []Term{Copy(&k.A, &s.S), Copy(&k.A, s.NS), Copy(&k.B, &s.S)}
		}), []string{"sets field A of the key 2 times"}},
		{"copy the wrong way round", into(func(s *sample, k *key) []Term { return []Term{Copy(&s.S, &k.A)} }), []string{"argument of field.Copy, term 1", "does not point into"}},
	} {
		if c.err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(c.err.Error(), s) {
				t.Errorf("%s: the message does not say %q: %v", c.name, s, c.err)
			}
		}
	}
	if err := errors.Join(of(func(s *sample) *int64 { return &s.I }), where(func(s *sample) Cond { return And() })); err != nil {
		t.Error(err)
	}
}

// A time of a condition is floored to microseconds, as those of rows are.
func TestConditionTimeIsFloored(t *testing.T) {
	p, err := Describe(func(at *time.Time) Cond { return AtMost(at, time.Unix(-1, 999_999_999)) })
	if err != nil {
		t.Fatal(err)
	}
	root := batch.NewInts(&batch.Type{Kind: batch.Time}, []int64{-2, -1, 0})
	if got := p.NewEvaluator().Rows(root, nil, nil); !slices.Equal(got, []int32{0, 1}) {
		t.Errorf("%s keeps rows %v, want the first two", p, got)
	}
}

// A key names columns: by one field, the whole row, or several fields.
func TestKeys(t *testing.T) {
	copies, f, err := Of(func(s *sample) *string { return s.In.S }).Resolve()
	if err != nil || f != nil || len(copies) != 1 || !slices.Equal(copies[0].From.Path, []int{10, 1}) || copies[0].From.Name != "in.s" || !copies[0].From.Type.Nullable {
		t.Errorf("field.Of: %v, %v", copies, err)
	}
	copies, _, err = Of(func(s *sample) *sample { return s }).Resolve()
	if err != nil || len(copies[0].From.Path) != 0 {
		t.Errorf("the whole row: %v, %v", copies, err)
	}
	type key struct{ A, B string }
	copies, _, err = Into(func(s *sample, k *key) []Term { return []Term{Copy(&k.B, &s.S), Copy(&k.A, s.NS)} }).Resolve()
	if err != nil || len(copies) != 2 || copies[0].To.Name != "B" || copies[1].From.Name != "ns" {
		t.Errorf("field.Into: %v, %v", copies, err)
	}
	copies, f2, err := Func(func(s sample) string { return s.S + "!" }).Resolve()
	if err != nil || copies != nil || f2(sample{S: "a"}) != "a!" {
		t.Errorf("field.Func: %v, %v", copies, err)
	}
}
