package protobuf

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leatflow/leat/sdk/connector/message/registry"
)

func TestPlace(t *testing.T) {
	// The id and the place of a message are written as franz-go writes them, and
	// read back.
	for _, place := range [][]int{{0}, {1}, {0, 0}, {3, 0, 200}, {100_000}} {
		want, err := (&sr.ConfluentHeader{}).AppendEncode(nil, 77, place)
		if err != nil {
			t.Fatal(err)
		}
		got := appendPlace(registry.AppendHeader(nil, 77), place)
		if !slices.Equal(got, want) {
			t.Errorf("%v is written %x, want %x", place, got, want)
		}
		id, rest, err := registry.Header(append(got, "rest"...))
		if err != nil || id != 77 {
			t.Fatal(id, err)
		}
		if back, rest, err := consumePlace(rest); err != nil || !slices.Equal(back, place) || string(rest) != "rest" {
			t.Errorf("%v is read as %v, %q, %v", place, back, rest, err)
		}
	}
}
