package protobuf_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/leatflow/leat/io/protobuf"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message/messagetest"
)

func FuzzDecode(f *testing.F) {
	// Whatever the bytes, the decoder neither panics nor breaks its columns nor
	// touches other rows. It accepts what the library accepts, but for numbers that
	// a column cannot hold, and reads it as the library does.
	every := describe(f, everyFile, "Every")
	format := protobuf.Format{Message: every}
	typ := everyType()
	seed := messagetest.Encode(f, format, everyRows(1, 2))[0]
	for i, payload := range messagetest.Encode(f, format, everyRows(8, 3)) {
		f.Add(payload)
		f.Add(payload[:len(payload)*i/8])
	}
	f.Add([]byte("\x9a\x01\x02\x08\x07\x9a\x01\x03\x12\x01x\xda\x01\x00\xd2\x01\x01y\xda\x01\x02\x08\x05"))
	f.Add([]byte("\xba\x01\x06\x12\x02\x08\x01\x0a\x00\xba\x01\x00\xa2\x01\x03\x01\x02\x03\xa0\x01\x05\xe8\x01\x05"))
	// The library panics at this one: an entry of a map whose key it passes over.
	f.Add([]byte("00%0000100000000%0000%000022000000000000000000000000000000000000000000000000002\x060000000\xff\xff\xff\xff\xff\xff\xff\xff02\x0102\x03000002\x01000\xba\x01$\n\x040000\b\xff\xff\xff\xff\xff\xff\xff\xff0\xd20\x0102\x0100\xff\x82\xd1\xff\xaf00\x98\x8c\xeb\xdc00"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		d := messagetest.Decoder(t, format, typ)
		for _, p := range [][]byte{seed, payload, seed} {
			err := d.Decode(t.Context(), p)
			m := dynamicpb.NewMessage(every)
			theirs, verdict := libraryReads(p, m)
			if !verdict {
				if rows := d.Take(); batch.Validate(rows) != nil || rows.Len > 1 || (rows.Len == 1) != (err == nil) {
					t.Fatalf("%x: %d rows, %v, %v", p, rows.Len, err, batch.Validate(rows))
				}
				continue
			}
			if err == nil && theirs != nil {
				t.Fatalf("%x is accepted, and the library says %v", p, theirs)
			}
			if err != nil && theirs == nil && !strings.Contains(err.Error(), "does not fit") && !strings.Contains(err.Error(), "a Timestamp") {
				t.Fatalf("%x gives %v, and the library reads %v", p, err, m)
			}
			if err != nil {
				continue
			}
			again := messagetest.Decoder(t, format, typ)
			if err := again.Decode(t.Context(), marshal(t, m)); err != nil {
				t.Fatalf("%x is for the library %v, which gives %v", p, m, err)
			}
			ours := again.Take()
			if err := d.Decode(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			rows := d.Take()
			if broken := batch.Validate(rows); broken != nil {
				t.Fatalf("%x: %v", p, broken)
			}
			if got := rows.Format(rows.Len - 1); got != ours.Format(0) || rows.Len != 2 || got != rows.Format(0) {
				t.Fatalf("%x is read as\n%s\nand as the library writes it as\n%s", p, got, ours.Format(0))
			}
		}
	})
}

// libraryReads asks the library, which has no verdict where it panics.
func libraryReads(payload []byte, m *dynamicpb.Message) (err error, verdict bool) {
	defer func() {
		if recover() != nil {
			err, verdict = nil, false
		}
	}()
	return proto.Unmarshal(payload, m), true
}
