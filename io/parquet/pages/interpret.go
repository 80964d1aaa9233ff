package pages

import (
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
)

// interpret decides the kind of a leaf from its physical and logical type. The
// result says what is not supported about it; then kind stays Invalid.
func (l *leaf) interpret(e *element) string {
	switch l.physical {
	case physicalBool:
		l.kind = batch.Bool
	case physicalInt32:
		return l.int32(e)
	case physicalInt64:
		return l.int64(e)
	case physicalInt96:
		l.kind, l.convert = batch.Time, fromNanos
	case physicalFloat:
		l.kind = batch.Float32
	case physicalDouble:
		l.kind = batch.Float64
	case physicalBytes:
		return l.bytes(e)
	case physicalFixed:
		if l.length <= 0 {
			return fmt.Sprintf("fixed-length byte array of length %d", l.length)
		}
		if e.logical == logicalFloat16 && l.length == 2 {
			l.kind, l.convert = batch.Float32, fromHalf
			return ""
		}
		return l.bytes(e)
	default:
		return fmt.Sprintf("physical type %d", l.physical)
	}
	return ""
}

func (l *leaf) bytes(e *element) string {
	l.kind = batch.Bytes
	switch {
	case e.logical == logicalDecimal || e.logical == 0 && e.converted == convertedDecimal:
		l.kind = batch.Invalid
		return decimal(e)
	case l.physical == physicalFixed:
	case e.logical == logicalString || e.logical == logicalEnum || e.logical == logicalJSON:
		l.kind = batch.String
	case e.logical == 0 && (e.converted == convertedUTF8 || e.converted == convertedEnum || e.converted == convertedJSON):
		l.kind = batch.String
	}
	return ""
}

func decimal(e *element) string {
	return "a decimal with digits after the point: cast it to double or to an integer of the smallest unit when writing the file"
}

// scale returns the digits after the point of a decimal.
func scale(e *element) int {
	if e.logical == logicalDecimal {
		return e.decimal
	}
	return int(e.scale)
}

func (l *leaf) int32(e *element) string {
	l.kind = batch.Int32
	switch e.logical {
	case logicalInt:
		l.integer(e.logicalBits, e.logicalSigned)
	case logicalDate:
		l.kind, l.convert = batch.Time, fromDays
	case logicalDecimal:
		return l.decimal(e)
	case 0:
		switch c := e.converted; {
		case c >= convertedUint8 && c <= convertedUint32:
			l.integer(8<<(c-convertedUint8), false)
		case c >= convertedInt8 && c <= convertedInt32:
			l.integer(8<<(c-convertedInt8), true)
		case c == convertedDate:
			l.kind, l.convert = batch.Time, fromDays
		case c == convertedDecimal:
			return l.decimal(e)
		}
	}
	return ""
}

func (l *leaf) int64(e *element) string {
	l.kind = batch.Int64
	switch e.logical {
	case logicalInt:
		if !e.logicalSigned {
			l.kind = batch.Uint64
		}
	case logicalTimestamp:
		l.kind, l.convert = batch.Time, fromMillis+conversion(e.logicalUnit-1)
		if e.logicalUnit < 1 || e.logicalUnit > 3 {
			l.kind, l.convert = batch.Invalid, asStored
			return "a timestamp of unknown unit"
		}
	case logicalDecimal:
		return l.decimal(e)
	case 0:
		switch e.converted {
		case convertedUint64:
			l.kind = batch.Uint64
		case convertedMillis:
			l.kind, l.convert = batch.Time, fromMillis
		case convertedMicros:
			l.kind, l.convert = batch.Time, fromMicros
		case convertedDecimal:
			return l.decimal(e)
		}
	}
	return ""
}

func (l *leaf) integer(bits int, signed bool) {
	kinds := map[int][2]batch.Kind{8: {batch.Uint8, batch.Int8}, 16: {batch.Uint16, batch.Int16}, 32: {batch.Uint32, batch.Int32}}
	pair, ok := kinds[bits]
	if !ok {
		return
	}
	l.kind = pair[0]
	if signed {
		l.kind = pair[1]
	}
	switch {
	case bits < 32:
		l.convert = narrow
	case !signed:
		l.convert = unsigned32
	}
}

// decimal accepts decimals that are integers.
func (l *leaf) decimal(e *element) string {
	if scale(e) == 0 {
		return ""
	}
	l.kind = batch.Invalid
	return decimal(e)
}
