package state

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/leatflow/leat/sdk/codec"
)

// supported checks that values of T can be columns, as they are in a checkpoint.
func supported[T any]() error {
	t := reflect.TypeFor[T]()
	if _, err := codec.PlanOf(t); err != nil {
		return err
	}
	return whole(t, t.String())
}

// whole refuses fields that are left out of columns: a checkpoint would lose them.
// The type has columns, so it does not contain itself.
func whole(t reflect.Type, path string) error {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return whole(t.Elem(), path)
	case reflect.Struct:
		if t.PkgPath() == "time" { // a time.Time is one column
			return nil
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Tag.Get("leat") == "-" {
				return fmt.Errorf("%s.%s is left out of columns, so a checkpoint would lose it; remove the tag, or hold it outside of the state", path, f.Name)
			}
			if err := whole(f.Type, path+"."+f.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// copier gives the value at p memory of its own: strings are views that would keep
// a whole batch in memory, slices and maps are the caller's. It returns how many
// bytes the value has behind pointers. With keep it only counts.
type copier func(p unsafe.Pointer, keep bool) int64

// copierOf returns how values of T are copied; nil when there is nothing behind
// them.
func copierOf[T any]() copier { return owning(reflect.TypeFor[T]()) }

func (c copier) own(p unsafe.Pointer) int64 { return c(p, false) }

func (c copier) size(p unsafe.Pointer) int64 { return c(p, true) }

// owning is made once a type; nil for a type without pointers.
func owning(t reflect.Type) copier {
	switch t.Kind() {
	case reflect.String:
		return func(p unsafe.Pointer, keep bool) int64 {
			s := (*string)(p)
			if !keep {
				*s = strings.Clone(*s)
			}
			return int64(len(*s))
		}
	case reflect.Struct:
		return owningStruct(t)
	case reflect.Pointer:
		return owningPointer(t)
	case reflect.Slice:
		return owningSlice(t)
	case reflect.Map:
		return owningMap(t)
	}
	return nil
}

func owningStruct(t reflect.Type) copier {
	type part struct {
		offset uintptr
		owns   copier
	}
	var parts []part
	for i := range t.NumField() {
		f := t.Field(i)
		if owns := owning(f.Type); owns != nil && t.PkgPath() != "time" { // a time points to a zone, which never changes
			parts = append(parts, part{f.Offset, owns})
		}
	}
	if parts == nil {
		return nil
	}
	return func(p unsafe.Pointer, keep bool) (n int64) {
		for _, f := range parts {
			n += f.owns(unsafe.Add(p, f.offset), keep)
		}
		return n
	}
}

func owningPointer(t reflect.Type) copier {
	inner, size := owning(t.Elem()), int64(t.Elem().Size())
	return func(p unsafe.Pointer, keep bool) int64 {
		v := reflect.NewAt(t, p).Elem()
		if v.IsNil() {
			return 0
		}
		if !keep {
			own := reflect.New(t.Elem())
			own.Elem().Set(v.Elem())
			v.Set(own)
		}
		if inner == nil {
			return size
		}
		return size + inner(v.UnsafePointer(), keep)
	}
}

func owningSlice(t reflect.Type) copier {
	inner, size := owning(t.Elem()), t.Elem().Size()
	return func(p unsafe.Pointer, keep bool) int64 {
		v := reflect.NewAt(t, p).Elem()
		if !keep && !v.IsNil() {
			own := reflect.MakeSlice(t, v.Len(), v.Len())
			reflect.Copy(own, v)
			v.Set(own)
		}
		n := int64(size) * int64(v.Len())
		if inner != nil {
			for i := range v.Len() {
				n += inner(unsafe.Add(v.UnsafePointer(), uintptr(i)*size), keep)
			}
		}
		return n
	}
}

func owningMap(t reflect.Type) copier {
	key, value := owning(t.Key()), owning(t.Elem())
	size := int64(t.Key().Size() + t.Elem().Size())
	return func(p unsafe.Pointer, keep bool) int64 {
		v := reflect.NewAt(t, p).Elem()
		if v.IsNil() {
			return 0
		}
		own := reflect.MakeMapWithSize(t, v.Len())
		k, e := reflect.New(t.Key()), reflect.New(t.Elem())
		n := size * int64(v.Len())
		for each := v.MapRange(); each.Next(); {
			k.Elem().Set(each.Key())
			e.Elem().Set(each.Value())
			if key != nil {
				n += key(k.UnsafePointer(), keep)
			}
			if value != nil {
				n += value(e.UnsafePointer(), keep)
			}
			if !keep {
				own.SetMapIndex(k.Elem(), e.Elem())
			}
		}
		if !keep {
			v.Set(own)
		}
		return n
	}
}

// sizeOf is the size of a T itself, in bytes.
func sizeOf[T any]() int64 {
	var v T
	return int64(unsafe.Sizeof(v))
}

// extend makes a slice n long, with room to grow.
func extend[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	grown := make([]T, n, max(2*cap(s), n, 64))
	copy(grown, s)
	return grown
}
