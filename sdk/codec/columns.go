package codec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// Columns is a group of columns repeated under names that are only known at run
// time, when the pipeline is constructed. As a field
//
//	Origin leat.Columns[Stats] `leat:"origin"`     Stats: count int64, sum int64
//
// whose description called At("1h") and At("6h") it stands for the columns
// origin_count_1h, origin_sum_1h, origin_count_6h and origin_sum_6h of the struct
// it is in.
//
// Embedded without a tag, its columns have no prefix: count_1h, sum_1h, count_6h …
//
// A zero Columns is open: At declares a name at its first use, which is how a
// description tells the names, and how a test builds a row by hand. In a row
// that comes out of a pipeline the names are fixed.
type Columns[S any] struct {
	_     [0]S // S is part of the identity of the type
	state groupState
}

// At returns the struct of columns called name. In a description it declares
// name, in order of first use. In a row of a pipeline it panics when name was
// never declared: there is no such column.
func (c *Columns[S]) At(name string) *S { return (*S)(c.state.at(name, reflect.TypeFor[S]())) }

// Names returns the declared names in order of declaration.
func (c *Columns[S]) Names() []string { return slices.Clone(c.state.names()) }

func (c *Columns[S]) groupStruct() reflect.Type { return reflect.TypeFor[S]() }

// groupState is Columns without its type parameter, so that loops over rows
// reach it by offset. One of open and fixed is set, neither in a zero value.
type groupState struct {
	open  *openGroups
	fixed *fixedGroups
	base  unsafe.Pointer // fixed: to an array of S, one a name
}

// openGroups holds the structs of a Columns whose names are still being
// declared. Each is allocated on its own: its address must not change.
type openGroups struct {
	names  []string
	values []unsafe.Pointer
	fill   *filler // when not nil, a new struct is filled like the rest of the sample
}

// fixedGroups is shared by all rows of a plan.
type fixedGroups struct {
	names []string
	size  uintptr
}

func (g *groupState) names() []string {
	switch {
	case g.fixed != nil:
		return g.fixed.names
	case g.open != nil:
		return g.open.names
	}
	return nil
}

// value returns the struct of the i-th name.
func (g *groupState) value(i int) unsafe.Pointer {
	if g.fixed != nil {
		return unsafe.Add(g.base, uintptr(i)*g.fixed.size)
	}
	return g.open.values[i]
}

func (g *groupState) at(name string, t reflect.Type) unsafe.Pointer {
	if i := slices.Index(g.names(), name); i >= 0 {
		return g.value(i)
	}
	if g.fixed != nil {
		panic(fmt.Sprintf("leat.Columns[%s] has no group %q; the names declared at construction are %s", t, name, listed(g.fixed.names)))
	}
	if g.open == nil {
		g.open = new(openGroups)
	}
	value := reflect.New(t)
	if g.open.fill != nil {
		g.open.fill.value(value.Elem())
	}
	g.open.names = append(g.open.names, name)
	g.open.values = append(g.open.values, value.UnsafePointer())
	return value.UnsafePointer()
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// groupStruct returns S when t is Columns[S].
func groupStruct(t reflect.Type) (reflect.Type, bool) {
	if t.Kind() != reflect.Struct || !strings.HasPrefix(t.Name(), "Columns[") || t.PkgPath() != reflect.TypeFor[Plan]().PkgPath() {
		return nil, false
	}
	return reflect.Zero(reflect.PointerTo(t)).Interface().(interface{ groupStruct() reflect.Type }).groupStruct(), true
}
