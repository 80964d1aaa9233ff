package leat

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// printedMost is about how many bytes of a row an error message shows.
const printedMost = 500

// printRow renders a row for an error message: bounded, with what pointers lead
// to instead of addresses, and without calling the user's String methods.
func printRow(row any) string {
	p := &printer{}
	p.value(reflect.ValueOf(row))
	s := p.String()
	if len(s) <= printedMost {
		return s
	}
	cut := printedMost
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

type printer struct{ strings.Builder }

// full reports whether more would be cut off anyway.
func (p *printer) full() bool { return p.Len() > printedMost }

func (p *printer) value(v reflect.Value) {
	if p.full() {
		return
	}
	switch v.Kind() {
	case reflect.Invalid:
		p.WriteString("nil")
	case reflect.Pointer, reflect.Interface:
		p.value(v.Elem())
	case reflect.String:
		s := v.String()
		p.WriteString(strconv.Quote(s[:min(len(s), printedMost)]))
	case reflect.Struct:
		p.structure(v)
	case reflect.Map:
		p.mapping(v)
	case reflect.Slice, reflect.Array:
		p.list(v)
	case reflect.Func:
		p.WriteString("(sequence)")
	default:
		fmt.Fprint(p, v)
	}
}

func (p *printer) structure(v reflect.Value) {
	if t, ok := timeOf(v); ok {
		p.WriteString(t.Format(time.RFC3339Nano))
		return
	}
	p.WriteByte('{')
	first := true
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() && !f.Anonymous || f.Tag.Get("leat") == "-" {
			continue
		}
		if !first {
			p.WriteString(", ")
		}
		first = false
		p.WriteString(f.Name + ": ")
		p.value(v.Field(i))
	}
	p.WriteByte('}')
}

func timeOf(v reflect.Value) (t time.Time, ok bool) {
	if v.CanInterface() {
		t, ok = v.Interface().(time.Time)
	}
	return t, ok
}

func (p *printer) list(v reflect.Value) {
	if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
		b := v.Bytes()
		p.WriteString(strconv.Quote(string(b[:min(len(b), printedMost)])))
		return
	}
	p.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			p.WriteString(", ")
		}
		if p.value(v.Index(i)); p.full() {
			return
		}
	}
	p.WriteByte(']')
}

// mapping prints entries in the order of their printed form.
func (p *printer) mapping(v reflect.Value) {
	var entries []string
	for it := v.MapRange(); it.Next(); {
		e := &printer{}
		e.value(it.Key())
		e.WriteString(": ")
		e.value(it.Value())
		entries = append(entries, e.String())
	}
	slices.Sort(entries)
	p.WriteString("{" + strings.Join(entries, ", ") + "}")
}
