package registry

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// headerBytes is what stands before a payload:
//
//	┌───┬───────────────────┬──────────
//	│ 0 │ id, 4 bytes, big- │ payload …
//	│   │ endian            │
//	└───┴───────────────────┴──────────
const headerBytes = 5

// Header returns the id of the schema that a payload was written with, and the
// payload behind it.
func Header(payload []byte) (id int, rest []byte, err error) {
	switch {
	case len(payload) == 0:
		return 0, nil, errors.New("the payload is empty; want the id of a schema and a value")
	case payload[0] != 0:
		return 0, nil, fmt.Errorf("the payload begins with the byte %#02x, not with 0 and the id of a schema; was it written without a schema registry?", payload[0])
	case len(payload) < headerBytes:
		return 0, nil, fmt.Errorf("the payload ends within the id of its schema, after %d bytes", len(payload))
	}
	return int(binary.BigEndian.Uint32(payload[1:])), payload[headerBytes:], nil
}

// AppendHeader appends what stands before a payload.
func AppendHeader(dst []byte, id int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), uint32(id))
}
