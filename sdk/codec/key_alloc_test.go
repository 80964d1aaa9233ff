//go:build !race

package codec

import (
	"testing"

	"github.com/leatflow/leat/sdk/batch"
)

// Hashing a batch does not allocate. The race detector drops pooled scratch on
// purpose, so the test is left to the other runs.
func TestKeyHashesDoNotAllocate(t *testing.T) {
	c := keyColumn(1000, 100)
	out := make([]uint64, c.Len)
	for _, c := range []*batch.Column{c, c.Plain(), batch.NewInts(of(batch.Int64), make([]int64, 1000))} {
		KeyHashes(c, nil, out)
		if n := testing.AllocsPerRun(50, func() { KeyHashes(c, nil, out) }); n >= 1 {
			t.Errorf("%s: %v allocations", c.Type, n)
		}
	}
}
