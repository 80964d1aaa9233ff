package text

import (
	"math"
	"strings"
	"testing"
)

// Numbers, sizes, shares and durations are rendered as people read them.
func TestNumbers(t *testing.T) {
	const second, hour, day = 1_000_000, 3600 * 1_000_000, 24 * 3600 * 1_000_000
	for _, test := range [][2]string{
		{Count(0), "0"}, {Count(999), "999"}, {Count(-1000), "-1,000"}, {Count(int64(3_000_000)), "3,000,000"}, {Count(uint64(math.MaxUint64)), "18,446,744,073,709,551,615"},
		{Bytes(0), "0 B"}, {Bytes(999), "999 B"}, {Bytes(1000), "1.0 kB"}, {Bytes(999_960), "1.0 MB"}, {Bytes(13_493_022), "13.5 MB"}, {Bytes(math.MaxInt64), "9223.4 PB"},
		{Share(0, 0), "0 %"}, {Share(0, 3), "0 %"}, {Share(1, 3), "33.33 %"}, {Share(1, 1e6), "<0.01 %"}, {Share(1e6-1, 1e6), ">99.99 %"}, {Share(7, 7), "100 %"},
		{Span(0), "0s"}, {Span(1), "1µs"}, {Span(26*hour + second), "26h0m1s"}, {Span(8 * day), "8d"}, {Span(182*day + 6*hour), "182d6h0m"}, {Span(math.MaxInt64), "106,751,991d4h0m54.775807s"},
		{Number(0.1 + 0.2), "0.3"}, {Number(1.49e-9), "1.49e-09"}, {Number(math.Inf(1)), "+Inf"},
	} {
		if test[0] != test[1] {
			t.Errorf("got %s, want %s", test[0], test[1])
		}
	}
}

// A grid aligns, cuts and escapes its cells, and leaves no space at line ends.
func TestGrid(t *testing.T) {
	g := &Grid{Indent: "  ", Right: []bool{false, true}, Width: 6}
	g.Row("name", "n", "last")
	g.Row("é", "1,204", "")
	g.Row("abcdefgh", "-1", "a\tb\x00\xff")
	g.Row("e\u0301\u202e", "7")
	var out strings.Builder
	if _, err := g.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	want := "  name        n  last\n  é       1,204\n  abcde…     -1  a\\tb\\…\n  e\u0301\\u2…      7\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
