package protobuf

import (
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// placeMax bounds how deep messages are declared in each other.
const placeMax = 100

// place returns where a message is declared: the number of the message in the
// file, the number of the message in that, and so on.
func place(m protoreflect.MessageDescriptor) []int {
	if outer, ok := m.Parent().(protoreflect.MessageDescriptor); ok {
		return append(place(outer), m.Index())
	}
	return []int{m.Index()}
}

// appendPlace writes a place as payloads have it behind the id of their schema:
// the count of numbers and the numbers, zigzag; but a single 0 as the byte 0.
func appendPlace(dst []byte, place []int) []byte {
	if len(place) == 1 && place[0] == 0 {
		return append(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(len(place)))
	for _, i := range place {
		dst = binary.AppendVarint(dst, int64(i))
	}
	return dst
}

var errPlace = errors.New("the payload ends within the place of its message in the schema")

// consumePlace reads a place and returns what stands behind it.
func consumePlace(data []byte) (place []int, rest []byte, err error) {
	count, n := binary.Varint(data)
	if n <= 0 {
		return nil, nil, errPlace
	}
	if count < 0 || count > placeMax {
		return nil, nil, fmt.Errorf("the place of the message in its schema claims %d numbers", count)
	}
	data = data[n:]
	if count == 0 {
		return []int{0}, data, nil
	}
	for range count {
		i, n := binary.Varint(data)
		if n <= 0 {
			return nil, nil, errPlace
		}
		place, data = append(place, int(i)), data[n:]
	}
	return place, data, nil
}
