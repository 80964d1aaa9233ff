package parquet

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

// splitter sorts the rows of a batch into partitions. It looks at columns one
// after the other: each turns its values into small numbers, and the numbers of a
// row together name its directory.
type splitter struct {
	parts []partitioner
	dirs  map[string]int32 // by numbers: index into names
	names []string
}

// partitioner numbers the values of one column.
type partitioner struct {
	field   int
	name    string // of the directory, before '='
	layout  Layout
	numbers map[string]int32 // by the text in the directory's name
	texts   []string
	ints    map[int64]int32 // by value; of times by hour
	dict    *batch.Dictionary
	codes   []int32 // per entry of dict: its number, or -1
}

func newSplitter(s Sink, t *batch.Type) *splitter {
	out := &splitter{dirs: map[string]int32{}}
	for _, name := range s.PartitionBy {
		out.parts = append(out.parts, partitioner{field: t.Index(name), name: name})
	}
	if c := s.TimePartition.Column; c != "" {
		out.parts = append(out.parts, partitioner{field: t.Index(c), name: c + "_" + s.TimePartition.Layout.String(), layout: s.TimePartition.Layout})
	}
	for i := range out.parts {
		out.parts[i].numbers, out.parts[i].ints = map[string]int32{}, map[int64]int32{}
	}
	return out
}

// String returns the name of the layout: day.
func (l Layout) String() string {
	switch l {
	case Day:
		return "day"
	case Hour:
		return "hour"
	case Month:
		return "month"
	}
	return fmt.Sprintf("layout(%d)", uint8(l))
}

// each calls f for every partition that has rows in root, in the order in which
// they first occur, with its directory ("" or ending in '/').
func (s *splitter) each(root *batch.Column, f func(dir string, rows *batch.Column) error) error {
	if len(s.parts) == 0 {
		return f("", root)
	}
	columns := make([][]int32, len(s.parts))
	for i := range s.parts {
		columns[i] = s.parts[i].number(root.Children[s.parts[i].field])
	}
	order, rows := s.group(columns, root.Len)
	for _, d := range order {
		part := root
		if len(order) > 1 {
			part = root.Gather(rows[d])
		}
		if err := f(s.names[d], part); err != nil {
			return err
		}
	}
	return nil
}

// group lists the rows of each directory. Neighbours are often alike, so the
// table is asked only where a row differs from the one before.
func (s *splitter) group(columns [][]int32, n int) (order []int32, rows map[int32][]int32) {
	rows = map[int32][]int32{}
	var at int32
	var list []int32
	key := make([]byte, 4*len(columns))
	for i := range n {
		if i == 0 || differ(columns, i) {
			if list != nil {
				rows[at] = list
			}
			for c, numbers := range columns {
				binary.LittleEndian.PutUint32(key[4*c:], uint32(numbers[i]))
			}
			at = s.dir(key, columns, i)
			if list = rows[at]; list == nil {
				order = append(order, at)
				list = make([]int32, 0, 16)
			}
		}
		list = append(list, int32(i))
	}
	rows[at] = list
	return order, rows
}

func differ(columns [][]int32, i int) bool {
	for _, c := range columns {
		if c[i] != c[i-1] {
			return true
		}
	}
	return false
}

func (s *splitter) dir(key []byte, columns [][]int32, row int) int32 {
	if d, ok := s.dirs[string(key)]; ok {
		return d
	}
	name := ""
	for i, p := range s.parts {
		name += escape(p.name) + "=" + p.texts[columns[i][row]] + "/"
	}
	d := int32(len(s.names))
	s.dirs[string(key)] = d
	s.names = append(s.names, name)
	return d
}

// number returns the number of each row's value.
func (p *partitioner) number(c *batch.Column) []int32 {
	out := make([]int32, c.Len)
	switch {
	case c.Type.Kind == batch.Time:
		p.numberInts(c, out, p.layout.period)
	case c.Type.Kind.Form() == batch.IntForm:
		p.numberInts(c, out, nil)
	case c.Dict != nil:
		p.numberCodes(c, out)
	default:
		for i := range out {
			text := ""
			if c.Type.Kind == batch.Bool {
				text = strconv.FormatBool(c.Bools[i])
			} else if !c.Null(i) {
				text = escape(c.Text(i))
			}
			out[i] = p.text(text)
		}
	}
	if c.Valid != nil {
		null := p.text(nullPartition)
		for i := range out {
			if !c.Valid.Get(i) {
				out[i] = null
			}
		}
	}
	return out
}

func (p *partitioner) text(s string) int32 {
	n, ok := p.numbers[s]
	if !ok {
		n = int32(len(p.texts))
		p.numbers[s], p.texts = n, append(p.texts, s)
	}
	return n
}

// numberInts numbers integers, or the periods that times fall into.
func (p *partitioner) numberInts(c *batch.Column, out []int32, period func(int64) string) {
	var last, number int64 = 0, -1
	for i, v := range c.Ints {
		if number >= 0 && v == last {
			out[i] = int32(number)
			continue
		}
		id := v
		if period != nil {
			id = floorDiv(v, hourMicros)
		}
		n, ok := p.ints[id]
		if !ok {
			text := strconv.FormatInt(v, 10)
			if c.Type.Kind == batch.Uint64 {
				text = strconv.FormatUint(uint64(v), 10)
			}
			if period != nil {
				text = period(v)
			}
			n = p.text(text)
			p.ints[id] = n
		}
		out[i] = n
		last, number = v, int64(n)
	}
}

const hourMicros = 60 * 60 * 1_000_000

func floorDiv(v, d int64) int64 {
	q := v / d
	if v%d < 0 {
		q--
	}
	return q
}

// period names the period that time v, in µs, falls into.
func (l Layout) period(v int64) string {
	format := [...]string{"2006-01-02", "2006-01-02-15", "2006-01"}[l]
	return time.UnixMicro(v).UTC().Format(format)
}

func (p *partitioner) numberCodes(c *batch.Column, out []int32) {
	if p.dict != c.Dict {
		p.dict, p.codes = c.Dict, make([]int32, c.Dict.Len())
		for i := range p.codes {
			p.codes[i] = -1
		}
	}
	for i, code := range c.Codes {
		n := p.codes[code]
		if n < 0 {
			n = p.text(escape(c.Dict.At(int(code))))
			p.codes[code] = n
		}
		out[i] = n
	}
}
