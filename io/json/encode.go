package json

import (
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message/columns"
)

// render writes one column as JSON. Its pieces begin with null.
type render struct {
	columns.Pieces
	typ      *batch.Type
	label    []byte // "name": as it stands before the value in an object
	children []*render
}

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
	for _, row := range r.Rows {
		dst = append(dst, r.Data[row.From:row.To]...)
		dst = append(dst, '\n')
	}
	return dst, nil
}

const null = "null"

// column renders every row.
func (r *render) column(c *batch.Column) error {
	r.Reset(null)
	for i, child := range r.children {
		if c.Children[i] == nil {
			return fmt.Errorf("column %s was not read, so it cannot be written", r.typ.Fields[i].Name)
		}
		if err := child.column(columns.Elements(c, i)); err != nil {
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
		r.Strings(c, r.value)
	case batch.StructForm:
		r.objects(c)
	case batch.ListForm:
		r.lists(c)
	}
	r.Nulls(c, columns.Span{To: len(null)})
	return nil
}

func (r *render) ints(c *batch.Column) {
	from := len(r.Data)
	switch r.typ.Kind {
	case batch.Time:
		for _, v := range c.Ints {
			r.Data = appendTime(r.Data, v)
			from = r.End(from)
		}
	case batch.Uint64:
		for _, v := range c.Ints {
			r.Data = strconv.AppendUint(r.Data, uint64(v), 10)
			from = r.End(from)
		}
	default:
		for _, v := range c.Ints {
			r.Data = strconv.AppendInt(r.Data, v, 10)
			from = r.End(from)
		}
	}
}

func (r *render) floats(c *batch.Column) {
	from, bits := len(r.Data), r.typ.Kind.Bits()
	for _, v := range c.Floats {
		r.Data = appendFloat(r.Data, v, bits)
		from = r.End(from)
	}
}

func (r *render) bools(c *batch.Column) {
	from := len(r.Data)
	for _, v := range c.Bools {
		r.Data = strconv.AppendBool(r.Data, v)
		from = r.End(from)
	}
}

func (r *render) value(dst, v []byte) []byte {
	if r.typ.Kind == batch.String {
		return appendString(dst, v)
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, v)
	return append(dst, '"')
}

func (r *render) objects(c *batch.Column) {
	from := len(r.Data)
	for i := range c.Len {
		r.Data = append(r.Data, '{')
		for k, child := range r.children {
			if k > 0 {
				r.Data = append(r.Data, ',')
			}
			row := child.Rows[i]
			r.Data = append(r.Data, child.label...)
			r.Data = append(r.Data, child.Data[row.From:row.To]...)
		}
		r.Data = append(r.Data, '}')
		from = r.End(from)
	}
}

func (r *render) lists(c *batch.Column) {
	from := len(r.Data)
	opening, closing, element := byte('['), byte(']'), r.appendElement
	if r.typ.Kind == batch.Map {
		opening, closing, element = '{', '}', r.appendEntry
	}
	for i := range c.Len {
		r.Data = append(r.Data, opening)
		first, behind := c.Range(i)
		for j := first; j < behind; j++ {
			if j > first {
				r.Data = append(r.Data, ',')
			}
			element(j - int(c.Offsets[0]))
		}
		r.Data = append(r.Data, closing)
		from = r.End(from)
	}
}

func (r *render) appendElement(j int) {
	child := r.children[len(r.children)-1]
	row := child.Rows[j]
	r.Data = append(r.Data, child.Data[row.From:row.To]...)
}

func (r *render) appendEntry(j int) {
	key := r.children[0]
	row := key.Rows[j]
	if key.typ.Kind == batch.String {
		r.Data = append(r.Data, key.Data[row.From:row.To]...)
	} else {
		r.Data = append(r.Data, '"')
		r.Data = append(r.Data, key.Data[row.From:row.To]...)
		r.Data = append(r.Data, '"')
	}
	r.Data = append(r.Data, ':')
	r.appendElement(j)
}
