package parquet

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
)

// nullPartition names the directory of nulls, as Hive does.
const nullPartition = "__HIVE_DEFAULT_PARTITION__"

// escape writes a name or value as part of a directory's name: letters, digits
// and "-_.~" stay, every other byte is %XX. What begins a name with '.' or '_' is
// escaped too: such names are hidden.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '~'
		if plain || i > 0 && (c == '.' || c == '_') {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// unescape undoes escape, and leaves alone what is not an escape.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			var c byte
			if _, err := fmt.Sscanf(s[i+1:i+3], "%02x", &c); err == nil {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// hiveValue is what a directory says about a column.
type hiveValue struct {
	text string
	null bool
}

// hiveValues returns the columns that the directories of a path name.
func hiveValues(path string) map[string]hiveValue {
	out := map[string]hiveValue{}
	for part := range strings.SplitSeq(filepath.ToSlash(filepath.Dir(path)), "/") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || name == "" {
			continue
		}
		out[unescape(name)] = hiveValue{text: unescape(value), null: value == nullPartition}
	}
	return out
}

// column makes n rows of the value.
func (v hiveValue) column(t *batch.Type, n int) (*batch.Column, error) {
	if v.null && !t.Nullable {
		return nil, fmt.Errorf("is %s, which is null, but the field of type %s is not nullable: make it a pointer", nullPartition, t)
	}
	c := &batch.Column{Type: t, Len: n}
	if v.null {
		c.Valid = batch.NewBitmap(n)
		v.text = map[batch.Form]string{batch.IntForm: "0", batch.FloatForm: "0", batch.BoolForm: "false"}[t.Kind.Form()]
	}
	var err error
	switch {
	case t.Kind == batch.Uint64:
		var u uint64
		u, err = strconv.ParseUint(v.text, 10, 64)
		c.Ints = repeat(int64(u), n)
	case t.Kind.Integer():
		var i int64
		i, err = strconv.ParseInt(v.text, 10, 64)
		if low, high, _ := t.Kind.Range(); err == nil && (i < low || i > high) {
			err = strconv.ErrRange
		}
		c.Ints = repeat(i, n)
	case t.Kind.Float():
		var f float64
		f, err = strconv.ParseFloat(v.text, t.Kind.Bits())
		c.Floats = repeat(f, n)
	case t.Kind == batch.Bool:
		var b bool
		b, err = strconv.ParseBool(v.text)
		c.Bools = repeat(b, n)
	case t.Kind.Form() == batch.StringForm:
		c.Dict = &batch.Dictionary{}
		c.Dict.Append(v.text)
		c.Codes = make([]int32, n)
	default:
		err = fmt.Errorf("only strings, numbers and booleans are read from paths")
	}
	if err != nil {
		return nil, fmt.Errorf("is %q, which cannot fill a field of type %s: %w", v.text, t, err)
	}
	return c, nil
}

func repeat[T any](v T, n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = v
	}
	return out
}
