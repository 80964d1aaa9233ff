package codec

import (
	"fmt"
	"reflect"
	"time"
	"unsafe"
)

// Walk calls visit for every addressable place of sample that stands for a
// column: the value itself (empty path and name), each field, each field of a
// nested struct, and instead of a pointer field its pointee, when allocated. t
// is the type a pointer to the place has, path the child indexes from the root
// of Type, name the dotted name of the column. Elements of lists and maps are
// not visited: they are part of their column. path is reused between calls.
func (p *Plan) Walk(sample reflect.Value, visit func(ptr unsafe.Pointer, t reflect.Type, path []int, name string)) {
	p.root.walk(sample.Addr().UnsafePointer(), nil, "", visit)
}

func (n *node) walk(at unsafe.Pointer, path []int, name string, visit func(unsafe.Pointer, reflect.Type, []int, string)) {
	if n.pointer {
		if at = *(*unsafe.Pointer)(at); at == nil {
			return
		}
	}
	visit(at, n.goType, path, name)
	if n.form != structForm {
		return
	}
	prefix := name
	if prefix != "" {
		prefix += "."
	}
	for i, f := range n.fields {
		f.walk(unsafe.Add(at, f.offset), append(path, n.index[i]), prefix+f.name, visit)
	}
	for _, g := range n.groups {
		state := (*groupState)(unsafe.Add(at, g.offset))
		have := min(len(state.names()), len(g.names))
		for i, f := range g.fields[:have*len(g.row.fields)] {
			f.walk(unsafe.Add(state.value(i/len(g.row.fields)), f.offset), append(path, g.first+i), prefix+f.name, visit)
		}
	}
}

// Declare fixes the names of every Columns field of sample, an addressable value
// of the plan's type, to those of the plan. A description that runs on the
// output of an earlier step gets such a sample: At with another name panics.
// Call it after Fill, so that pointees are there.
func (p *Plan) Declare(sample reflect.Value) {
	p.root.declare(sample.Addr().UnsafePointer())
}

func (n *node) declare(at unsafe.Pointer) {
	if n.pointer {
		if at = *(*unsafe.Pointer)(at); at == nil {
			return
		}
	}
	if n.form != structForm {
		return
	}
	for _, f := range n.fields {
		f.declare(unsafe.Add(at, f.offset))
	}
	for _, g := range n.groups {
		state := (*groupState)(unsafe.Add(at, g.offset))
		slab := reflect.MakeSlice(g.row.slice, len(g.names), len(g.names))
		if state.open != nil && state.open.fill != nil {
			for i := range g.names {
				state.open.fill.value(slab.Index(i))
			}
		}
		*state = groupState{fixed: g.fixed, base: slab.UnsafePointer()}
	}
}

// Fill gives every leaf of sample, an addressable value of a type that has a
// plan, a value that differs from leaf to leaf and from seed to seed; a bool
// only from seed to seed. Pointers are allocated, lists and maps get one
// element, and a struct that Columns.At makes later is filled as well.
func Fill(sample reflect.Value, seed int) {
	f := &filler{seed: seed}
	f.value(sample)
}

// filler hands out values. Seeds are 101 apart, an odd number, so that two
// nearby seeds differ even in eight bits.
type filler struct{ seed, leaf int }

func (f *filler) next() int {
	f.leaf++
	return f.leaf + 101*f.seed
}

func (f *filler) value(v reflect.Value) {
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(time.Unix(int64(f.next())*86400, 0).UTC()))
		return
	}
	if row, ok := groupStruct(v.Type()); ok {
		f.groups((*groupState)(v.Addr().UnsafePointer()), row)
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(f.seed&1 != 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		shift := 64 - v.Type().Bits()
		v.SetInt(int64(f.next()) << shift >> shift)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		shift := 64 - v.Type().Bits()
		v.SetUint(uint64(f.next()) << shift >> shift)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(f.next()) + 0.5)
	case reflect.String:
		v.SetString(fmt.Sprintf("probe-%d", f.next()))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.value(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.value(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.value(key)
		f.value(value)
		v.Set(reflect.MakeMapWithSize(v.Type(), 1))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		f.structure(v)
	}
}

func (f *filler) structure(v reflect.Value) {
	t := v.Type()
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Tag.Get("leat") == "-" || field.Name == "_" {
			continue
		}
		// An embedded struct of an unexported type has exported fields that count.
		if field.IsExported() || field.Anonymous && field.Type.Kind() == reflect.Struct {
			f.value(v.Field(i))
		}
	}
}

// groups fills the structs that are there and those that At makes later.
func (f *filler) groups(state *groupState, row reflect.Type) {
	for i := range state.names() {
		f.value(reflect.NewAt(row, state.value(i)).Elem())
	}
	if state.fixed != nil {
		return
	}
	if state.open == nil {
		state.open = new(openGroups)
	}
	state.open.fill = f
}
