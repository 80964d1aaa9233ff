package parquet

import (
	"fmt"
	"path/filepath"
	"strings"
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
