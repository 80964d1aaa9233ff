package json

import (
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/leatflow/leat/sdk/batch"
)

// render writes one column as JSON, all rows of a batch in one loop; rows are
// put together afterwards from the pieces:
//
//	user   "ann" "bob"     data and, for each row, where its text is
//	delay  4 null          ──▶  {"user":"ann","delay":4}
//	                            {"user":"bob","delay":null}
//
// A dictionary is written once and its rows point into it. Buffers are kept
// from batch to batch.
type render struct {
	typ      *batch.Type
	label    []byte // "name": as it stands before the value in an object
	children []*render

	data []byte // begins with null
	rows []span
	dict []span
}

// span is a piece of render.data.
type span struct{ from, to int }

func newRender(t *batch.Type) *render {
	r := &render{typ: t}
	for _, f := range t.Fields {
		child := newRender(f.Type)
		child.label = append(appendString(nil, []byte(f.Name)), ':')
		r.children = append(r.children, child)
	}
	return r
}

// encode is a lines.Encode.
func (r *render) encode(dst []byte, b *batch.Batch) ([]byte, error) {
	if !r.typ.Equal(b.Root.Type) {
		return nil, fmt.Errorf("the batch has rows of type %s, the sink was opened for %s", b.Root.Type, r.typ)
	}
	if err := r.column(b.Root); err != nil {
		return nil, err
	}
	for _, row := range r.rows {
		dst = append(dst, r.data[row.from:row.to]...)
		dst = append(dst, '\n')
	}
	return dst, nil
}

const null = "null"

// column renders every row.
func (r *render) column(c *batch.Column) error {
	r.data = append(r.data[:0], null...)
	r.rows = r.rows[:0]
	for i, child := range r.children {
		if c.Children[i] == nil {
			return fmt.Errorf("column %s was not read, so it cannot be written", r.typ.Fields[i].Name)
		}
		if err := child.column(r.used(c, i)); err != nil {
			return err
		}
	}
	switch r.typ.Kind.Form() {
	case batch.IntForm:
		r.ints(c)
	case batch.FloatForm:
		r.floats(c)
	case batch.BoolForm:
		r.bools(c)
	case batch.StringForm:
		r.strings(c)
	case batch.StructForm:
		r.objects(c)
	case batch.ListForm:
		r.lists(c)
	}
	if c.Valid != nil {
		for i := range r.rows {
			if !c.Valid.Get(i) {
				r.rows[i] = span{0, len(null)}
			}
		}
	}
	return nil
}

// used returns the rows of a child that the column's rows point to: all of them,
// unless the column is a slice of a longer list column.
func (r *render) used(c *batch.Column, i int) *batch.Column {
	child := c.Children[i]
	if r.typ.Kind.Form() != batch.ListForm || len(c.Offsets) == 0 {
		return child
	}
	from, to := int(c.Offsets[0]), int(c.Offsets[c.Len])
	if from == 0 && to == child.Len {
		return child
	}
	return child.Slice(from, to)
}

// end closes the row that begins where the last one ended.
func (r *render) end(from int) int {
	r.rows = append(r.rows, span{from, len(r.data)})
	return len(r.data)
}

func (r *render) ints(c *batch.Column) {
	from := len(r.data)
	switch r.typ.Kind {
	case batch.Time:
		for _, v := range c.Ints {
			r.data = appendTime(r.data, v)
			from = r.end(from)
		}
	case batch.Uint64:
		for _, v := range c.Ints {
			r.data = strconv.AppendUint(r.data, uint64(v), 10)
			from = r.end(from)
		}
	default:
		for _, v := range c.Ints {
			r.data = strconv.AppendInt(r.data, v, 10)
			from = r.end(from)
		}
	}
}

func (r *render) floats(c *batch.Column) {
	from, bits := len(r.data), r.typ.Kind.Bits()
	for _, v := range c.Floats {
		r.data = appendFloat(r.data, v, bits)
		from = r.end(from)
	}
}

func (r *render) bools(c *batch.Column) {
	from := len(r.data)
	for _, v := range c.Bools {
		r.data = strconv.AppendBool(r.data, v)
		from = r.end(from)
	}
}

func (r *render) strings(c *batch.Column) {
	if c.Dict == nil {
		r.values(&c.Strings, c.Len)
		return
	}
	if c.Dict.Len() > c.Len { // larger than the batch: render only what is used
		from := len(r.data)
		for i := range c.Len {
			r.data = r.value(c.Bytes(i))
			from = r.end(from)
		}
		return
	}
	r.values(&c.Dict.Strings, c.Dict.Len())
	r.dict, r.rows = r.rows, r.dict[:0]
	for _, code := range c.Codes {
		r.rows = append(r.rows, r.dict[code])
	}
}

func (r *render) values(s *batch.Strings, n int) {
	from := len(r.data)
	for i := range n {
		r.data = r.value(s.Bytes(i))
		from = r.end(from)
	}
}

func (r *render) value(v []byte) []byte {
	if r.typ.Kind == batch.String {
		return appendString(r.data, v)
	}
	data := append(r.data, '"')
	data = base64.StdEncoding.AppendEncode(data, v)
	return append(data, '"')
}

func (r *render) objects(c *batch.Column) {
	from := len(r.data)
	for i := range c.Len {
		r.data = append(r.data, '{')
		for k, child := range r.children {
			if k > 0 {
				r.data = append(r.data, ',')
			}
			row := child.rows[i]
			r.data = append(r.data, child.label...)
			r.data = append(r.data, child.data[row.from:row.to]...)
		}
		r.data = append(r.data, '}')
		from = r.end(from)
	}
}

func (r *render) lists(c *batch.Column) {
	from := len(r.data)
	opening, closing, element := byte('['), byte(']'), r.appendElement
	if r.typ.Kind == batch.Map {
		opening, closing, element = '{', '}', r.appendEntry
	}
	for i := range c.Len {
		r.data = append(r.data, opening)
		first, behind := c.Range(i)
		for j := first; j < behind; j++ {
			if j > first {
				r.data = append(r.data, ',')
			}
			element(j - int(c.Offsets[0]))
		}
		r.data = append(r.data, closing)
		from = r.end(from)
	}
}

func (r *render) appendElement(j int) {
	child := r.children[len(r.children)-1]
	row := child.rows[j]
	r.data = append(r.data, child.data[row.from:row.to]...)
}

func (r *render) appendEntry(j int) {
	key := r.children[0]
	row := key.rows[j]
	if key.typ.Kind == batch.String {
		r.data = append(r.data, key.data[row.from:row.to]...)
	} else {
		r.data = append(r.data, '"')
		r.data = append(r.data, key.data[row.from:row.to]...)
		r.data = append(r.data, '"')
	}
	r.data = append(r.data, ':')
	r.appendElement(j)
}
