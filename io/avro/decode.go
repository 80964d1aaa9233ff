package avro

import (
	"unicode/utf8"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message/columns"
)

// action is what a step does with the bytes of a value.
type action uint8

const (
	refuse action = iota // the value cannot be read: reason says why
	readNull
	readBoolean
	readInt
	readLong
	readFloat
	readDouble
	readSized // bytes and strings
	readFixed
	readEnum
	readArray
	readMap
	readRecord
	readUnion
)

// step reads values of one schema into one column, or steps over them.
type step struct {
	action action
	to     *columns.Builder // nil: step over
	steps  []*step          // fields of a record, branches of a union, elements, values of a map
	names  []string         // of the fields
	absent []absent         // record: fields of the row type that it lacks

	symbols   [][]byte // enum
	size      int      // fixed
	low, high int64    // integers and times
	scale     int64    // times: microseconds a unit; negative: units a microsecond
	utf8      bool     // the bytes are to be text
	reason    string
}

// absent is a field of the row type that the writer's record lacks: its value is
// read from the reader's default, or it is null.
type absent struct {
	name  string
	to    *columns.Builder
	step  *step // nil: null
	value []byte
}

// read appends the value at the cursor. On error the column, and those below it,
// may hold parts of it: see columns.Builder.Settle.
func (s *step) read(c *cursor) error {
	switch s.action {
	case readInt, readLong:
		return s.integer(c)
	case readSized, readFixed, readEnum:
		return s.bytes(c)
	case readUnion:
		return s.union(c)
	case readFloat, readDouble:
		return s.float(c)
	case readBoolean:
		v, err := c.boolean()
		if s.to != nil {
			s.to.Bool(v)
		}
		return err
	case readRecord, readArray, readMap:
		return s.nested(c)
	case readNull:
		return s.null(c)
	}
	return c.fail(c.at, "%s", s.reason)
}

func (s *step) null(c *cursor) error {
	if s.to == nil {
		return nil
	}
	if t := s.to.Type; !t.Nullable && t.Kind.Form() != batch.ListForm {
		return c.fail(c.at, "null, but the row type has %s, which is never null", t)
	}
	s.to.Null()
	return nil
}

func (s *step) integer(c *cursor) error {
	at := c.at
	var v int64
	var err error
	if s.action == readInt {
		v, err = c.int()
	} else {
		v, err = c.long()
	}
	if err != nil || s.to == nil {
		return err
	}
	if s.to.Type.Kind.Float() {
		s.to.Float(round(float64(v), s.to.Type.Kind))
		return nil
	}
	if v < s.low || v > s.high {
		return c.fail(at, "%d does not fit %s", v, s.to.Type.Kind)
	}
	switch {
	case s.scale > 1:
		v *= s.scale
	case s.scale < 0:
		v = floorDiv(v, -s.scale)
	}
	s.to.Int(v)
	return nil
}

// round returns a value as a column of the kind holds it.
func round(v float64, kind batch.Kind) float64 {
	if kind == batch.Float32 {
		return float64(float32(v))
	}
	return v
}

func floorDiv(v, by int64) int64 {
	q := v / by
	if q*by > v {
		q--
	}
	return q
}

func (s *step) float(c *cursor) error {
	var v float64
	var err error
	if s.action == readFloat {
		v, err = c.float()
	} else {
		v, err = c.double()
	}
	if err == nil && s.to != nil {
		s.to.Float(v)
	}
	return err
}

func (s *step) bytes(c *cursor) error {
	at := c.at
	var v []byte
	var err error
	switch s.action {
	case readSized:
		v, err = c.sized()
	case readFixed:
		v, err = c.bytes(s.size)
	default:
		var i int64
		if i, err = c.int(); err == nil {
			if i < 0 || i >= int64(len(s.symbols)) {
				return c.fail(at, "the enum has %d symbols and none with the number %d", len(s.symbols), i)
			}
			v = s.symbols[i]
		}
	}
	if err != nil || s.to == nil {
		return err
	}
	if s.utf8 && !utf8.Valid(v) {
		return c.fail(at, "the string is not UTF-8")
	}
	s.to.Bytes(v)
	return nil
}

func (s *step) union(c *cursor) error {
	at := c.at
	i, err := c.long()
	if err != nil {
		return err
	}
	if i < 0 || i >= int64(len(s.steps)) {
		return c.fail(at, "the union has %d branches and none with the number %d", len(s.steps), i)
	}
	if err := c.deeper(); err != nil {
		return err
	}
	err = s.steps[i].read(c)
	c.depth--
	return err
}

// nested reads what has values within it.
func (s *step) nested(c *cursor) (err error) {
	if err := c.deeper(); err != nil {
		return err
	}
	start := c.at
	if s.action == readRecord {
		if err = s.record(c); err == nil {
			err = c.passed(start)
		}
	} else {
		err = s.blocks(c)
	}
	c.depth--
	return err
}

func (s *step) record(c *cursor) error {
	for i, field := range s.steps {
		if err := field.read(c); err != nil {
			return within(err, s.names[i])
		}
	}
	for _, a := range s.absent {
		if a.step == nil {
			a.to.Null()
		} else if err := a.step.read(&cursor{data: a.value}); err != nil {
			return within(err, a.name)
		}
	}
	if s.to != nil {
		s.to.EndStruct()
	}
	return nil
}

// blocks reads an array or a map: blocks of elements, or of keys and values. A block
// that says how long it is is not jumped over where nobody reads it: what is wrong
// inside would be accepted then.
func (s *step) blocks(c *cursor) error {
	start := c.at
	for {
		count, err := c.block()
		if err != nil {
			return err
		}
		if count == 0 {
			break
		}
		for ; count > 0; count-- {
			if err := s.element(c); err != nil {
				return err
			}
		}
	}
	switch {
	case s.to == nil:
	case s.action == readArray:
		s.to.EndList()
	case !s.to.EndMap():
		return c.fail(start, "a key of the map occurs twice")
	}
	return nil
}

func (s *step) element(c *cursor) error {
	at := c.at
	if s.action == readMap {
		key, err := c.sized()
		if err != nil {
			return err
		}
		if s.to != nil {
			if !utf8.Valid(key) {
				return c.fail(at, "a key of the map is not UTF-8")
			}
			s.to.Children[0].Bytes(key)
		}
	}
	if err := s.steps[0].read(c); err != nil {
		return within(err, "[]")
	}
	return c.passed(at)
}
