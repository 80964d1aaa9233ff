package kafka

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/sdk/batch"
)

// chunk is some records and the buffer they point into: all values, then all keys.
// From Produce until the last record is acknowledged it is the client's, then the
// writer uses it again.
type chunk struct {
	writer  *writer
	buffer  []byte
	ends    []int // of values in buffer
	keyEnds []int
	records []kgo.Record
	headers []kgo.RecordHeader

	size    int64
	sent    time.Time
	pending atomic.Int64
	promise func(*kgo.Record, error)
}

const structBytes = int(unsafe.Sizeof(kgo.Record{}))

// sizeBytes is what the chunk holds.
func (c *chunk) sizeBytes() int64 {
	return int64(cap(c.buffer) + cap(c.records)*structBytes + cap(c.headers)*int(unsafe.Sizeof(kgo.RecordHeader{})) + 8*(cap(c.ends)+cap(c.keyEnds)))
}

// acknowledged is called once for each record.
func (c *chunk) acknowledged(r *kgo.Record, err error) {
	if err != nil {
		c.writer.fail(r, err)
	}
	if c.pending.Add(-1) == 0 {
		c.writer.release(c)
	}
}

// fill encodes rows into records.
func (c *chunk) fill(ctx context.Context, root *batch.Column) (err error) {
	l := c.writer.layout
	values, have := l.values(root)
	c.buffer, c.ends, err = c.writer.values.Encode(ctx, c.buffer[:0], c.ends[:0], values)
	if err != nil {
		return err
	}
	if len(c.ends) != values.Len {
		return fmt.Errorf("the format has encoded %d rows of %d", len(c.ends), values.Len)
	}
	var keys batch.Bitmap
	keyStart := len(c.buffer)
	if l.keyAt >= 0 {
		if keys, err = c.fillKeys(ctx, root.Flatten([]int{l.keyAt})); err != nil {
			return err
		}
	}
	c.point(root, have, keys, keyStart)
	if l.timeAt >= 0 {
		c.stamp(root.Flatten([]int{l.timeAt}))
	}
	if l.headersAt >= 0 {
		c.addHeaders(root.Flatten([]int{l.headersAt}))
	}
	return c.fits()
}

// point makes the records. have and keys say which rows have a value and a key;
// nil: all.
func (c *chunk) point(root *batch.Column, have, keys batch.Bitmap, keyStart int) {
	if cap(c.records) < root.Len {
		c.records = make([]kgo.Record, root.Len)
	}
	c.records = c.records[:root.Len]
	now := time.Now()
	start, value, key := 0, 0, 0
	for i := range c.records {
		r := &c.records[i]
		*r = kgo.Record{Topic: c.writer.topic, Timestamp: now}
		if have == nil || have.Get(i) {
			r.Value = c.buffer[start:c.ends[value]:c.ends[value]]
			start = c.ends[value]
			value++
		}
		if len(c.keyEnds) > 0 && (keys == nil || keys.Get(i)) {
			r.Key = c.buffer[keyStart:c.keyEnds[key]:c.keyEnds[key]]
			keyStart = c.keyEnds[key]
			key++
		}
	}
}

// fillKeys appends the keys that are not null to the buffer, and returns which rows
// have one.
func (c *chunk) fillKeys(ctx context.Context, column *batch.Column) (batch.Bitmap, error) {
	c.keyEnds = c.keyEnds[:0]
	if c.writer.keys == nil {
		c.appendText(column)
		return column.Valid, nil
	}
	column, have := dense(column, c.writer.layout.key)
	before := len(c.buffer)
	var err error
	c.buffer, c.keyEnds, err = c.writer.keys.Encode(ctx, c.buffer, c.keyEnds, column)
	if err == nil && len(c.keyEnds) != column.Len {
		err = fmt.Errorf("the format of keys has encoded %d rows of %d from byte %d on", len(c.keyEnds), column.Len, before)
	}
	return have, err
}

// appendText appends keys as text.
func (c *chunk) appendText(column *batch.Column) {
	unsigned := column.Type.Kind == batch.Uint64
	text := column.Type.Kind.Form() == batch.StringForm
	for i := range column.Len {
		switch {
		case column.Null(i):
			continue
		case text:
			c.buffer = append(c.buffer, column.Bytes(i)...)
		case unsigned:
			c.buffer = strconv.AppendUint(c.buffer, uint64(column.Ints[i]), 10)
		default:
			c.buffer = strconv.AppendInt(c.buffer, column.Ints[i], 10)
		}
		c.keyEnds = append(c.keyEnds, len(c.buffer))
	}
}

// stamp sets the times of records.
func (c *chunk) stamp(times *batch.Column) {
	for i := range c.records {
		if !times.Null(i) {
			c.records[i].Timestamp = time.UnixMicro(times.Ints[i])
		}
	}
}

// addHeaders sets the headers of records. Their values point into the column,
// which never changes.
func (c *chunk) addHeaders(column *batch.Column) {
	names, values := column.Children[0], column.Children[1]
	c.headers = c.headers[:0]
	if n := int(column.Offsets[column.Len] - column.Offsets[0]); cap(c.headers) < n { // slices into it must stay
		c.headers = make([]kgo.RecordHeader, 0, n)
	}
	for i := range c.records {
		if column.Null(i) {
			continue
		}
		from, to := column.Range(i)
		first := len(c.headers)
		for j := from; j < to; j++ {
			h := kgo.RecordHeader{Key: names.Text(j)}
			if !values.Null(j) {
				h.Value = values.Bytes(j)
			}
			c.headers = append(c.headers, h)
		}
		c.records[i].Headers = c.headers[first:len(c.headers):len(c.headers)]
	}
}

// fits returns an error when a record is too large.
func (c *chunk) fits() error {
	for i := range c.records {
		r := &c.records[i]
		size := len(r.Key) + len(r.Value)
		for _, h := range r.Headers {
			size += len(h.Key) + len(h.Value) + 10
		}
		if size > c.writer.recordMax {
			return fmt.Errorf("the record with key %s has %d bytes, more than the %d that are allowed; raise max.message.bytes of the topic and Sink.MaxRecordBytes, or write less in one row", shown(r.Key), size, c.writer.recordMax)
		}
	}
	return nil
}

// shown renders a key for a message.
func shown(key []byte) string {
	const most = 64
	switch {
	case key == nil:
		return "null"
	case len(key) > most:
		return fmt.Sprintf("%q…", key[:most])
	}
	return fmt.Sprintf("%q", key)
}
