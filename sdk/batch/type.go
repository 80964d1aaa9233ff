package batch

import (
	"fmt"
	"math"
	"strings"
)

// Kind says what a column holds. Widths are logical: in memory every integer
// kind is an int64 vector and both float kinds are a float64 vector, so that a
// kernel is written once per physical form; sinks and Arrow records narrow
// again. Range checks happen where a value enters a narrower Go field or file.
type Kind uint8

// The kinds of a column. Time is microseconds since the Unix epoch, UTC.
const (
	Invalid Kind = iota
	Bool
	Int8
	Int16
	Int32
	Int64
	Uint8
	Uint16
	Uint32
	Uint64 // stored as the same 64 bits in Ints
	Float32
	Float64
	String
	Bytes
	Time
	List   // Fields[0] is the element
	Map    // Fields[0] is the key, Fields[1] the value; entries sorted by key bytes
	Struct // Fields are the children
)

var kindNames = [...]string{"invalid", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16",
	"uint32", "uint64", "float32", "float64", "string", "bytes", "time", "list", "map", "struct"}

// String returns the lower-case name of the kind, as error messages print it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Form is the physical form of a kind: which vector of a Column holds its values.
type Form uint8

// The physical forms.
const (
	NoForm Form = iota
	IntForm
	FloatForm
	BoolForm
	StringForm // plain or dictionary, decided per batch
	ListForm   // List and Map
	StructForm
)

// Form returns the physical form of the kind.
func (k Kind) Form() Form {
	switch k {
	case Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Time:
		return IntForm
	case Float32, Float64:
		return FloatForm
	case Bool:
		return BoolForm
	case String, Bytes:
		return StringForm
	case List, Map:
		return ListForm
	case Struct:
		return StructForm
	}
	return NoForm
}

// Signed reports whether the kind is a signed integer.
func (k Kind) Signed() bool { return k >= Int8 && k <= Int64 }

// Unsigned reports whether the kind is an unsigned integer.
func (k Kind) Unsigned() bool { return k >= Uint8 && k <= Uint64 }

// Integer reports whether the kind is an integer of any width. Time is not.
func (k Kind) Integer() bool { return k >= Int8 && k <= Uint64 }

// Float reports whether the kind is a floating-point number.
func (k Kind) Float() bool { return k == Float32 || k == Float64 }

// Bits returns the width of an integer or float kind in bits, and 0 for others.
func (k Kind) Bits() int {
	switch k {
	case Int8, Uint8:
		return 8
	case Int16, Uint16:
		return 16
	case Int32, Uint32, Float32:
		return 32
	case Int64, Uint64, Float64:
		return 64
	}
	return 0
}

// Range returns the smallest and largest value of a signed integer kind or of
// an unsigned one below 64 bits. For other kinds ok is false.
func (k Kind) Range() (low, high int64, ok bool) {
	switch {
	case k.Signed():
		shift := 64 - k.Bits()
		return math.MinInt64 >> shift, math.MaxInt64 >> shift, true
	case k.Unsigned() && k != Uint64:
		return 0, 1<<k.Bits() - 1, true
	}
	return 0, 0, false
}

// Type describes a column. Types are immutable once they are part of a column.
type Type struct {
	Kind     Kind
	Nullable bool
	Fields   []Field // children of List, Map and Struct
}

// Field is a named child of a type.
type Field struct {
	Name string
	Type *Type
}

// Index returns the position of the child called name, or -1.
func (t *Type) Index(name string) int {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// Equal reports whether both types describe the same columns, names included.
func (t *Type) Equal(o *Type) bool {
	if t == o {
		return true
	}
	if t == nil || o == nil || t.Kind != o.Kind || t.Nullable != o.Nullable || len(t.Fields) != len(o.Fields) {
		return false
	}
	for i := range t.Fields {
		if t.Fields[i].Name != o.Fields[i].Name || !t.Fields[i].Type.Equal(o.Fields[i].Type) {
			return false
		}
	}
	return true
}

// String renders the type, for example struct{origin string, delay int64?}:
// a question mark stands for nullable.
func (t *Type) String() string {
	if t == nil {
		return "none"
	}
	var s string
	switch t.Kind {
	case List:
		s = "list<" + t.Fields[0].Type.String() + ">"
	case Map:
		s = "map<" + t.Fields[0].Type.String() + ", " + t.Fields[1].Type.String() + ">"
	case Struct:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = f.Name + " " + f.Type.String()
		}
		s = "struct{" + strings.Join(parts, ", ") + "}"
	default:
		s = t.Kind.String()
	}
	if t.Nullable {
		s += "?"
	}
	return s
}
