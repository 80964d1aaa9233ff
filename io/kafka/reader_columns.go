package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/sdk/batch"
)

// columns collects the parts of records that are not their values.
type columns struct {
	*binding
	topic     *batch.Dictionary // of one
	partition int64

	rows    int
	keys    texts
	offsets []int64
	times   []int64
	noTimes []int32 // rows without a timestamp
	entries entries
}

// texts is a column of strings under construction.
type texts struct {
	values batch.Strings
	nulls  []int32
}

// entries is a column of maps under construction.
type entries struct {
	ends   []int32
	keys   batch.Strings
	values texts
	sorted []kgo.RecordHeader // of one record, kept between records
}

func newColumns(b *binding, at partition) *columns {
	dictionary := &batch.Dictionary{}
	dictionary.Append(at.topic)
	c := &columns{binding: b, topic: dictionary, partition: int64(at.number)}
	c.clear()
	return c
}

// clear begins a new batch with vectors as large as the last ones: empty, of parts
// that are not read.
func (c *columns) clear() {
	c.rows, c.noTimes = 0, nil
	c.offsets, c.times = make([]int64, 0, len(c.offsets)), make([]int64, 0, len(c.times))
	c.keys.clear()
	c.entries.ends = append(make([]int32, 0, max(1, len(c.entries.ends))), 0)
	keys := &c.entries.keys
	*keys = batch.Strings{Offsets: make([]int32, 0, len(keys.Offsets)), Data: make([]byte, 0, len(keys.Data))}
	c.entries.values.clear()
}

func (t *texts) clear() {
	t.values = batch.Strings{Offsets: make([]int32, 0, len(t.values.Offsets)), Data: make([]byte, 0, len(t.values.Data))}
	t.nulls = nil
}

// check reports why the record cannot fill the fields that are read.
func (c *columns) check(r *kgo.Record) error {
	if c.read[key] {
		if err := checkText(c.types[key], r.Key); err != nil {
			return fmt.Errorf("the key %w", err)
		}
	}
	if c.read[timestamp] {
		switch t, ms := c.types[timestamp], r.Timestamp.UnixMilli(); {
		case ms == noTimestamp && !t.Nullable:
			return errors.New("the record has no timestamp; make the field a *time.Time to take such records")
		case r.Timestamp.Nanosecond()%int(time.Millisecond) != 0: // the client has wrapped around, and 2⁶⁴ ns are no whole ms
			return errors.New("the timestamp is out of range: it lies before 1677 or after 2262")
		}
	}
	if c.read[headers] {
		t := c.types[headers].Fields
		for _, h := range r.Headers {
			if err := checkText(t[0].Type, []byte(h.Key)); err != nil {
				return fmt.Errorf("the name of a header %w", err)
			}
			if err := checkText(t[1].Type, h.Value); err != nil && h.Value != nil {
				return fmt.Errorf("header %q %w", h.Key, err)
			}
		}
	}
	return nil
}

// noTimestamp is what a record says that has none.
const noTimestamp = -1

func checkText(t *batch.Type, text []byte) error {
	switch {
	case text == nil && !t.Nullable:
		return errors.New("is null; make the field a pointer to take records without one")
	case t.Kind == batch.String && !utf8.Valid(text):
		return errors.New("is not UTF-8; make the field a []byte to take any bytes")
	}
	return nil
}

// add appends the parts of a record that check has let through.
func (c *columns) add(r *kgo.Record) {
	if c.read[key] {
		c.keys.add(r.Key)
	}
	if c.read[offset] {
		c.offsets = append(c.offsets, r.Offset)
	}
	if c.read[timestamp] {
		if r.Timestamp.UnixMilli() == noTimestamp && c.types[timestamp].Nullable {
			c.noTimes = append(c.noTimes, int32(c.rows))
		}
		c.times = append(c.times, r.Timestamp.UnixMicro())
	}
	if c.read[headers] {
		c.entries.add(r.Headers)
	}
	c.rows++
}

func (t *texts) add(text []byte) {
	if text == nil {
		t.nulls = append(t.nulls, int32(t.values.Len()))
	}
	v := &t.values
	if len(v.Offsets) == 0 {
		v.Offsets = append(v.Offsets, 0)
	}
	v.Data = append(v.Data, text...)
	v.Offsets = append(v.Offsets, int32(len(v.Data))) // a reader ends batches long before 2 GiB
}

// add appends a map. Entries come in the order of their keys, and of a header that
// occurs twice only the last.
func (e *entries) add(all []kgo.RecordHeader) {
	e.sorted = append(e.sorted[:0], all...)
	slices.SortStableFunc(e.sorted, func(a, b kgo.RecordHeader) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
	for i, h := range e.sorted {
		if i+1 < len(e.sorted) && e.sorted[i+1].Key == h.Key {
			continue
		}
		e.keys.Append(h.Key)
		e.values.add(h.Value)
	}
	e.ends = append(e.ends, int32(e.keys.Len()))
}

// take returns the rows whose payloads were decoded, and begins a new batch.
func (c *columns) take(payload *batch.Column) *batch.Column {
	defer c.clear()
	if c.parts == nil {
		return payload
	}
	children := make([]*batch.Column, len(c.row.Fields))
	next := 0
	for i, p := range c.parts {
		if p == value {
			children[i] = payload.Children[next]
			next++
		} else if c.read[p] {
			children[i] = c.column(p, c.row.Fields[i].Type)
		}
	}
	out := batch.NewStruct(c.row, payload.Len, children...)
	out.Valid = payload.Valid
	return out
}

func (c *columns) column(p part, t *batch.Type) *batch.Column {
	switch p {
	case key:
		return c.keys.column(t)
	case topicName:
		return batch.NewDictionary(t, make([]int32, c.rows), c.topic)
	case partitionNumber:
		numbers := make([]int64, c.rows)
		for i := range numbers {
			numbers[i] = c.partition
		}
		return batch.NewInts(t, numbers)
	case offset:
		return batch.NewInts(t, c.offsets)
	case timestamp:
		out := batch.NewInts(t, c.times)
		out.Valid = without(c.noTimes, c.rows)
		return out
	}
	keys, values := batch.NewStrings(t.Fields[0].Type, c.entries.keys), c.entries.values.column(t.Fields[1].Type)
	return &batch.Column{Type: t, Len: c.rows, Offsets: c.entries.ends, Children: []*batch.Column{keys, values}}
}

func (t *texts) column(typ *batch.Type) *batch.Column {
	out := batch.NewStrings(typ, t.values)
	if typ.Nullable {
		out.Valid = without(t.nulls, t.values.Len())
	}
	return out
}

// without is the validity of n rows of which some are null.
func without(nulls []int32, n int) batch.Bitmap {
	if len(nulls) == 0 {
		return nil
	}
	valid := batch.NewBitmap(n)
	valid.SetAll(n)
	for _, i := range nulls {
		valid.Clear(int(i))
	}
	return valid
}
