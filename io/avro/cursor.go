package avro

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/leatflow/leat/sdk/connector/message/columns"
)

// Error says what is wrong with a payload: where in the schema, where in the
// bytes, and what was found.
type Error struct {
	Field  string // route.origin, tags[], or empty for the value itself
	Offset int    // of the value in the payload, counting bytes from 0
	Reason string
}

// Error renders all three.
func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s (byte %d)", e.Reason, e.Offset)
	}
	return fmt.Sprintf("field %s: %s (byte %d)", e.Field, e.Reason, e.Offset)
}

// within puts the name of an enclosing field before the one in err.
func within(err error, name string) error {
	if e, ok := err.(*Error); ok {
		e.Field = columns.Path(name, e.Field)
	}
	return err
}

const (
	// depthMax bounds how deep values may nest.
	depthMax = 10_000
	// hollowMax bounds the elements and records of a payload that take no bytes,
	// such as nulls and records of nulls: a few bytes, or a schema of records that
	// each hold another twice, may claim any number of them.
	hollowMax = 1 << 20
)

// cursor is a position in a payload.
type cursor struct {
	data   []byte
	at     int
	hollow int // elements and records so far that took no bytes
	depth  int
}

func (c *cursor) fail(at int, format string, args ...any) error {
	return &Error{Offset: at, Reason: fmt.Sprintf(format, args...)}
}

// long reads an integer: seven bits a byte, the lowest first, zigzag.
func (c *cursor) long() (int64, error) {
	if c.at < len(c.data) && c.data[c.at] < 0x80 {
		v := uint64(c.data[c.at])
		c.at++
		return int64(v>>1) ^ -int64(v&1), nil
	}
	v, n := binary.Uvarint(c.data[c.at:])
	switch {
	case n == 0:
		return 0, c.fail(c.at, "the payload ends within an integer")
	case n < 0:
		return 0, c.fail(c.at, "an integer is longer than 64 bits")
	}
	c.at += n
	return int64(v>>1) ^ -int64(v&1), nil
}

// int reads an integer of 32 bits.
func (c *cursor) int() (int64, error) {
	at := c.at
	v, err := c.long()
	if err == nil && v != int64(int32(v)) {
		return 0, c.fail(at, "the int %d does not fit 32 bits", v)
	}
	return v, err
}

// bytes returns the next n bytes.
func (c *cursor) bytes(n int) ([]byte, error) {
	if n > len(c.data)-c.at {
		return nil, c.fail(c.at, "the payload ends %d bytes before the value does", n-(len(c.data)-c.at))
	}
	v := c.data[c.at : c.at+n]
	c.at += n
	return v, nil
}

// sized returns bytes or a string, which stand behind their length.
func (c *cursor) sized() ([]byte, error) {
	at := c.at
	n, err := c.long()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > int64(len(c.data)-c.at) {
		return nil, c.fail(at, "a value claims to have %d bytes, and %d are left", n, len(c.data)-c.at)
	}
	v := c.data[c.at : c.at+int(n)]
	c.at += int(n)
	return v, nil
}

func (c *cursor) float() (float64, error) {
	v, err := c.bytes(4)
	if err != nil {
		return 0, err
	}
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(v))), nil
}

func (c *cursor) double() (float64, error) {
	v, err := c.bytes(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(v)), nil
}

func (c *cursor) boolean() (bool, error) {
	v, err := c.bytes(1)
	if err != nil {
		return false, err
	}
	if v[0] > 1 {
		return false, c.fail(c.at-1, "the byte %#02x is no boolean", v[0])
	}
	return v[0] == 1, nil
}

// block reads the head of a block of an array or map: how many elements it has,
// 0 behind the last block.
func (c *cursor) block() (count int64, err error) {
	at := c.at
	if count, err = c.long(); err != nil || count >= 0 {
		return count, err
	}
	size, err := c.long()
	if err != nil {
		return 0, err
	}
	if count == math.MinInt64 || size < 0 || size > int64(len(c.data)-c.at) {
		return 0, c.fail(at, "a block claims to have %d bytes, and %d are left", size, len(c.data)-c.at)
	}
	return -count, nil
}

// passed counts an element or a record that began at a given position and took no bytes.
func (c *cursor) passed(start int) error {
	if c.at > start {
		return nil
	}
	if c.hollow++; c.hollow > hollowMax {
		return c.fail(start, "more than %d elements and records take no bytes", hollowMax)
	}
	return nil
}

// deeper goes one level down. Where values are read the row type bounds the depth;
// where they are stepped over a schema may refer to itself.
func (c *cursor) deeper() error {
	if c.depth++; c.depth > depthMax {
		return c.fail(c.at, "values nest deeper than %d", depthMax)
	}
	return nil
}
