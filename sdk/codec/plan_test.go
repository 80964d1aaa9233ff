package codec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/leatflow/leat/sdk/batch"
)

type pair[K, V any] struct {
	Key   K `leat:"key"`
	Value V `leat:"value"`
}

type base struct {
	ID   int64
	Seen time.Time
}

// Every Go type becomes the column the documentation says.
func TestPlanTypes(t *testing.T) {
	type nested struct {
		base
		_     int
		Event pair[string, *bool]
		Opt   *struct{ N uint8 }
		Tags  []*airport
		Attrs map[grade][]time.Duration
		Bad   chan int `leat:"-"`
	}
	for want, typ := range map[string]reflect.Type{
		"int64":                              reflect.TypeFor[int](),
		"uint64":                             reflect.TypeFor[uint](),
		"uint8":                              reflect.TypeFor[byte](),
		"string":                             reflect.TypeFor[airport](),
		"bytes":                              reflect.TypeFor[blob](),
		"time?":                              reflect.TypeFor[*time.Time](),
		"list<list<float32>>":                reflect.TypeFor[[][]float32](),
		"struct{}":                           reflect.TypeFor[struct{}](),
		"struct{key string, value struct{}}": reflect.TypeFor[pair[string, struct{}]](),
		"struct{ID int64, Seen time, Event struct{key string, value bool?}, Opt struct{N uint8}?, Tags list<string?>, Attrs map<int8, list<int64>>}": reflect.TypeFor[nested](),
	} {
		p, err := PlanOf(typ)
		if err != nil {
			t.Errorf("%s: %v", typ, err)
			continue
		}
		if got := p.Type().String(); got != want || p.GoType() != typ {
			t.Errorf("%s: got %s, want %s", typ, got, want)
		}
	}
}

type tree struct {
	Name string
	Kids []tree
}

// A type that cannot be made into columns is refused with every reason at once,
// each with the Go path, the type and what to do.
func TestPlanErrors(t *testing.T) {
	type inner struct {
		Done func()
		Sum  complex128
	}
	type bad struct {
		A      chan int
		B      any
		C      inner
		D      map[float64]string
		E      [4]byte
		F      [2]int32
		G      tree
		H      **int
		I      []uintptr
		hidden string //lint:ignore U1000 an unexported field is what is tested
		J      string `leat:"x"`
		K      string `leat:"x"`
		L      int    `leat:""`
		*base
	}
	_, err := PlanOf(reflect.TypeFor[bad]())
	if err == nil {
		t.Fatal("a type with a channel has a plan")
	}
	want := "codec.bad cannot be made into columns:\n" +
		"  codec.bad.A (chan int): a channel cannot be a column; remove it or tag it `leat:\"-\"`\n" +
		"  codec.bad.B (interface {}): an interface cannot be a column, its type differs from row to row; use a concrete type or []byte\n" +
		"  codec.bad.C.Done (func()): a function cannot be a column; remove it or tag it `leat:\"-\"`\n" +
		"  codec.bad.C.Sum (complex128): a complex number cannot be a column; use two float64 fields\n" +
		"  codec.bad.D (map[float64]string): a map key must be a bool, an integer or a string, not float64; use a list of structs {key, value}\n" +
		"  codec.bad.E ([4]uint8): an array cannot be a column; use []byte or string\n" +
		"  codec.bad.F ([2]int32): an array cannot be a column; use []int32\n" +
		"  codec.bad.G.Kids[] (codec.tree): the type contains itself, so its columns have no end; hold a key of the other row instead\n" +
		"  codec.bad.H (**int): a pointer to a pointer has no column; one pointer makes a nullable column\n" +
		"  codec.bad.I[] (uintptr): an address cannot be a column; use uint64 for a number\n" +
		"  codec.bad.hidden (string): the field is unexported, so its value would be lost; export it or tag it `leat:\"-\"`\n" +
		"  codec.bad.L (int): the tag `leat:\"\"` names no column; give a name or remove the tag\n" +
		"  codec.bad.base (*codec.base): an embedded pointer cannot be flattened; embed the struct by value or give it a name with a tag\n" +
		"  codec.bad.K: column \"x\" is already that of codec.bad.J; give one of them another name with a tag `leat:\"name\"`"
	got := strings.Split(err.Error(), "\n")
	for _, line := range strings.Split(want, "\n") {
		if !slices.Contains(got, line) {
			t.Errorf("missing: %s", line)
		}
	}
	if len(got) != strings.Count(want, "\n")+1 {
		t.Errorf("got %d lines:\n%v", len(got), err)
	}
	if _, err := PlanOf(nil); err == nil {
		t.Error("an interface type parameter has a plan")
	}
}

// Walk visits each place that a description can point to, under the path and
// the name of its column; pointers in the place of their field.
func TestWalk(t *testing.T) {
	type row struct {
		base
		Event pair[string, *bool] `leat:"event"`
		Opt   *pair[int8, []string]
		Null  *int64
		skip  int `leat:"-"` //lint:ignore U1000 a skipped field is what is tested
	}
	sample := reflect.New(reflect.TypeFor[row]()).Elem()
	r := sample.Addr().Interface().(*row)
	plan, err := PlanOfSample(sample)
	if err != nil {
		t.Fatal(err)
	}
	Fill(sample, 0)
	r.Null = nil
	type place struct {
		ptr any
		at  string
	}
	want := []place{
		{r, "[] "}, {&r.ID, "[0] ID"}, {&r.Seen, "[1] Seen"}, {&r.Event, "[2] event"}, {&r.Event.Key, "[2 0] event.key"},
		{r.Event.Value, "[2 1] event.value"}, {r.Opt, "[3] Opt"}, {&r.Opt.Key, "[3 0] Opt.key"}, {&r.Opt.Value, "[3 1] Opt.value"},
	}
	i := 0
	plan.Walk(sample, func(ptr unsafe.Pointer, typ reflect.Type, path []int, name string) {
		if i == len(want) {
			t.Fatalf("one place too many: %s", name)
		}
		w := reflect.ValueOf(want[i].ptr)
		if ptr != w.UnsafePointer() || typ != w.Type().Elem() || fmt.Sprint(path)+" "+name != want[i].at {
			t.Errorf("place %d is %v %s (%s), want %s (%s)", i, path, name, typ, want[i].at, w.Type().Elem())
		}
		i++
	})
	if i != len(want) {
		t.Errorf("%d places, want %d", i, len(want))
	}
}

// Two seeds give two values in every leaf, one seed gives different ones in
// different leaves.
func TestFillDiffers(t *testing.T) {
	var a, b visit
	Fill(reflect.ValueOf(&a).Elem(), 0)
	Fill(reflect.ValueOf(&b).Elem(), 1)
	if a.ID == b.ID || a.Name == b.Name || a.At.Equal(b.At) || *a.Score == *b.Score || *a.Route.Gate == *b.Route.Gate || a.Route.Origin == b.Route.Origin {
		t.Errorf("two seeds share a value: %+v %+v", a, b)
	}
	if string(a.Name) == a.Route.Origin || float64(*a.Route.Gate) == *a.Score {
		t.Errorf("two fields share a value: %+v", a)
	}
	if len(a.Tags) != 1 || len(a.Attrs) != 1 || len(a.Raw) != 1 || a.cache != 0 {
		t.Errorf("lists and maps: %+v", a)
	}
}

type stats struct {
	Count int64    `leat:"count"`
	Mean  *float64 `leat:"mean"`
}

type feature struct {
	At     time.Time      `leat:"at"`
	Origin Columns[stats] `leat:"origin"`
	Last   *int64         `leat:"last"`
}

// featurePlan runs a description that declares the names.
func featurePlan(t *testing.T, names ...string) *Plan {
	t.Helper()
	sample := reflect.New(reflect.TypeFor[feature]()).Elem()
	if p, err := PlanOfSample(sample); err != nil || p.Type().String() != "struct{at time, last int64?}" {
		t.Fatalf("before the description: %v", err)
	}
	Fill(sample, 1)
	f := sample.Addr().Interface().(*feature)
	for _, name := range names {
		if s := f.Origin.At(name); s.Count == 0 || *s.Mean == 0 || s != f.Origin.At(name) {
			t.Fatalf("At(%q) in a filled sample is %+v", name, s)
		}
	}
	p, err := PlanOfSample(sample)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]any)
	p.Walk(sample, func(ptr unsafe.Pointer, typ reflect.Type, path []int, name string) {
		seen[fmt.Sprint(name, path)] = reflect.NewAt(typ, ptr).Interface()
	})
	for i, name := range names {
		count, mean := fmt.Sprint("origin_count_", name, []int{1 + 2*i}), fmt.Sprint("origin_mean_", name, []int{2 + 2*i})
		if seen[count] != any(&f.Origin.At(name).Count) || seen[mean] != any(f.Origin.At(name).Mean) {
			t.Fatalf("Walk shows %v", seen)
		}
	}
	return p
}

// The columns of a group are named by the description, stand beside the other
// fields, and come back by name.
func TestColumns(t *testing.T) {
	plan := featurePlan(t, "1h", "6h")
	if got := plan.Type().String(); got != "struct{at time, origin_count_1h int64, origin_mean_1h float64?, origin_count_6h int64, origin_mean_6h float64?, last int64?}" {
		t.Fatal(got)
	}
	c, err := ForPlan[feature](plan)
	if err != nil {
		t.Fatal(err)
	}
	mean := 0.5
	rows := make([]feature, 3)
	rows[0].Origin.At("6h").Count = 6 // by hand, in another order
	rows[0].Origin.At("1h").Mean = &mean
	rows[1].Origin.At("1h").Count = 1
	e := c.NewEncoder()
	appendRows(t, e, rows)
	col := e.Finish()
	if err := batch.Validate(col); err != nil {
		t.Fatal(err)
	}
	dst := make([]feature, 3)
	for range 2 {
		if err := c.Decode(col, nil, dst); err != nil {
			t.Fatal(err)
		}
		a, b := dst[0].Origin.At("1h"), dst[0].Origin.At("6h")
		if a.Count != 0 || *a.Mean != 0.5 || b.Count != 6 || b.Mean != nil || dst[1].Origin.At("1h").Count != 1 || dst[2].Origin.At("6h").Count != 0 {
			t.Fatalf("came back as %+v %+v %+v", a, b, dst[1].Origin.At("1h"))
		}
		// What comes out goes in again.
		appendRows(t, e, dst)
		col = e.Finish()
	}
	if got := dst[2].Origin.Names(); !slices.Equal(got, []string{"1h", "6h"}) {
		t.Fatalf("names %v", got)
	}
	var other feature
	other.Origin.At("9h")
	if err := e.Append([]feature{{}, other}); err == nil || err.Error() != `codec.feature.Origin: a row has a group "9h"; the names declared at construction are 1h, 6h` {
		t.Fatalf("a row with an undeclared group: %v", err)
	}
}

// A group inside a nullable struct has the columns of its names too.
func TestColumnsBehindPointer(t *testing.T) {
	type row struct {
		F *feature `leat:"f"`
	}
	sample := reflect.New(reflect.TypeFor[row]()).Elem()
	Fill(sample, 0)
	sample.Addr().Interface().(*row).F.Origin.At("1h")
	plan, err := PlanOfSample(sample)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ForPlan[row](plan)
	if err != nil {
		t.Fatal(err)
	}
	rows := []row{{}, {F: new(feature)}, {}, {F: new(feature)}}
	rows[3].F.Origin.At("1h").Count = 4
	e := c.NewEncoder()
	appendRows(t, e, rows)
	col := e.Finish()
	want := "{f: null} {f: {at: 0001-01-01T00:00:00.000000Z, origin_count_1h: 4, origin_mean_1h: null, last: null}}"
	if got := col.Format(2) + " " + col.Format(3); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	dst := make([]row, 4)
	if err := c.Decode(col, nil, dst); err != nil || dst[0].F != nil || dst[1].F.Origin.At("1h").Count != 0 || dst[3].F.Origin.At("1h").Count != 4 {
		t.Fatalf("came back as %+v, %v", dst, err)
	}
	col.Children[0].Children[1].Valid = batch.Bitmap{0b0111}
	if err := c.Decode(col, nil, dst); err == nil || err.Error() != `column f.origin_count_1h, row 3: null, but codec.row.F.Origin.At("1h").Count is int64, which has no null; make it *int64` {
		t.Fatalf("got %v", err)
	}
}

// A name that no description declared cannot be asked of a row, nor of a sample
// whose names an earlier step has fixed.
func TestColumnsOfUndeclaredName(t *testing.T) {
	plan := featurePlan(t, "1h")
	c, err := ForPlan[feature](plan)
	if err != nil {
		t.Fatal(err)
	}
	e := c.NewEncoder()
	appendRows(t, e, make([]feature, 1))
	dst := make([]feature, 1)
	if err := c.Decode(e.Finish(), nil, dst); err != nil {
		t.Fatal(err)
	}
	sample := reflect.New(plan.GoType()).Elem()
	Fill(sample, 1)
	plan.Declare(sample)
	if got := sample.Addr().Interface().(*feature).Origin.At("1h").Count; got == 0 {
		t.Fatal("Declare dropped the values of Fill")
	}
	if again, err := PlanOfSample(sample); err != nil || !again.Type().Equal(plan.Type()) {
		t.Fatalf("the plan of a declared sample is %v, %v", again, err)
	}
	for _, f := range []*feature{&dst[0], sample.Addr().Interface().(*feature)} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != `leat.Columns[codec.stats] has no group "2h"; the names declared at construction are 1h` {
					t.Errorf("got %s", got)
				}
			}()
			f.Origin.At("2h")
		}()
	}
}

// An embedded Columns has no prefix; with a tag it has.
func TestColumnsEmbedded(t *testing.T) {
	type plain struct {
		At int64 `leat:"at"`
		Columns[stats]
	}
	type tagged struct {
		Columns[stats] `leat:"origin"`
	}
	p, q := new(plain), new(tagged)
	p.Columns.At("1h").Count = 7
	q.At("1h")
	for want, sample := range map[string]reflect.Value{
		"struct{at int64, count_1h int64, mean_1h float64?}":     reflect.ValueOf(p).Elem(),
		"struct{origin_count_1h int64, origin_mean_1h float64?}": reflect.ValueOf(q).Elem(),
	} {
		plan, err := PlanOfSample(sample)
		if err != nil || plan.Type().String() != want {
			t.Errorf("got %v, %v, want %s", plan.Type(), err, want)
		}
	}
	plan, _ := PlanOfSample(reflect.ValueOf(p).Elem())
	c, err := ForPlan[plain](plan)
	if err != nil {
		t.Fatal(err)
	}
	e := c.NewEncoder()
	appendRows(t, e, []plain{*p})
	var back [1]plain
	if err := c.Decode(e.Finish(), nil, back[:]); err != nil || back[0].Columns.At("1h").Count != 7 {
		t.Errorf("came back as %+v, %v", back[0].Columns.At("1h"), err)
	}
}

// Columns is refused where its names cannot be known.
func TestColumnsErrors(t *testing.T) {
	type list struct{ Groups []feature }
	type deep struct{ Groups Columns[feature] }
	type scalar struct{ Groups Columns[int] }
	type clash struct {
		Origin Columns[stats] `leat:"origin"`
		Count  int64          `leat:"origin_count_1h"`
	}
	if _, err := PlanOf(reflect.TypeFor[feature]()); err == nil || !strings.Contains(err.Error(), "codec.feature.Origin") || !strings.Contains(err.Error(), "only known from a description") {
		t.Errorf("got %v", err)
	}
	clashing := new(clash)
	clashing.Origin.At("1h")
	for want, sample := range map[string]any{
		"leat.Columns inside a list":            new(list),
		"leat.Columns inside leat.Columns":      new(deep),
		"needs a struct of columns, not int":    new(scalar),
		"is a group of columns, not a row":      new(Columns[stats]),
		`column "origin_count_1h" is already t`: clashing,
	} {
		if _, err := PlanOfSample(reflect.ValueOf(sample).Elem()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	if _, err := PlanOfSample(reflect.ValueOf(feature{})); err == nil || !strings.Contains(err.Error(), "not addressable") {
		t.Errorf("got %v", err)
	}
}
