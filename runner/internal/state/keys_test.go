package state

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
	"github.com/leatflow/leat/sdk/codec"
)

// keyTypes draws a type a key can have; half of them have few values, so that
// the same come again.
func keyTypes() *rapid.Generator[*batch.Type] {
	return rapid.Custom(func(t *rapid.T) *batch.Type {
		t2 := rapid.SampledFrom([]batch.Kind{batch.Bool, batch.Int8, batch.Int64, batch.Uint64, batch.Float32, batch.Float64,
			batch.String, batch.Bytes, batch.Time, batch.Struct}).Draw(t, "kind")
		typ := &batch.Type{Kind: t2, Nullable: rapid.Bool().Draw(t, "nullable")}
		if t2 == batch.Struct {
			for range rapid.IntRange(1, 3).Draw(t, "fields") {
				field := &batch.Type{Kind: rapid.SampledFrom([]batch.Kind{batch.Bool, batch.Int8, batch.Float64, batch.String}).Draw(t, "field"), Nullable: rapid.Bool().Draw(t, "nullable")}
				typ.Fields = append(typ.Fields, batch.Field{Name: string(rune('a' + len(typ.Fields))), Type: field})
			}
		}
		return typ
	})
}

// keysModel is a table of keys by their canonical bytes.
type keysModel struct {
	t    *rapid.T
	keys *Keys
	ids  map[string]int32
}

// Keys gives equal keys one id and different ones different ids, over batches,
// encodings and releases, gives them back with the bits that stand for all equal
// ones, and knows their group.
func TestKeysAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := keyTypes().Draw(t, "type")
		m := &keysModel{t, NewKeys(typ), make(map[string]int32)}
		pool := batchtest.Column(t, typ, 12) // keys that come again
		for range rapid.IntRange(1, 8).Draw(t, "batches") {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				m.release()
			case 1:
				m.lookup(batchtest.Column(t, typ, 15), rapid.Bool().Draw(t, "selected"))
			default:
				m.lookup(pool, rapid.Bool().Draw(t, "selected"))
			}
			m.check()
		}
	})
}

func (m *keysModel) lookup(c *batch.Column, selected bool) {
	var rows []int32
	n := c.Len
	if selected {
		for i := range int32(c.Len) {
			if rapid.Bool().Draw(m.t, "row") {
				rows = append(rows, i)
			}
		}
		if n = len(rows); n == 0 {
			return
		}
	}
	out := make([]int32, n)
	m.keys.Lookup(c, rows, out)
	for i, id := range out {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		key := string(codec.AppendKey(nil, c, row))
		if known, ok := m.ids[key]; ok && known != id {
			m.t.Fatalf("key %s has id %d, had %d", c.Format(row), id, known)
		}
		m.ids[key] = id
		if m.keys.Group(id) != codec.Hash([]byte(key)) {
			m.t.Fatalf("key %s has another group than its bytes", c.Format(row))
		}
	}
}

func (m *keysModel) release() {
	used := make([]bool, m.keys.Len())
	for _, key := range m.sorted() {
		if rapid.Bool().Draw(m.t, "keep") {
			used[m.ids[key]] = true
		} else {
			delete(m.ids, key)
		}
	}
	m.keys.ReleaseUnused(used)
}

func (m *keysModel) sorted() []string {
	var all []string
	for key := range m.ids {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}

// check reads every key back, and the ranks, which are the order of the bytes.
func (m *keysModel) check() {
	if m.keys.Live() != len(m.ids) {
		m.t.Fatalf("%d keys are alive, want %d", m.keys.Live(), len(m.ids))
	}
	all := m.sorted()
	if len(all) == 0 {
		return
	}
	ids := make([]int32, len(all))
	ranks := m.keys.Ranks()
	for i, key := range all {
		ids[i] = m.ids[key]
		if slices.Contains(ids[:i], ids[i]) {
			m.t.Fatalf("id %d stands for two keys", ids[i])
		}
		if ranks[ids[i]] != int32(i) {
			m.t.Fatalf("key %x has rank %d, want %d", key, ranks[ids[i]], i)
		}
	}
	for _, some := range [][]int32{ids, ids[:1], append(slices.Clone(ids), ids...)} {
		c := m.keys.Column(some)
		if err := batch.Validate(c); err != nil || c.Len != len(some) {
			m.t.Fatalf("a column of %d keys has %d rows: %v", len(some), c.Len, err)
		}
		for i := range some {
			if key := codec.AppendKey(nil, c, i); !bytes.Equal(key, []byte(all[i%len(all)])) {
				m.t.Fatalf("key %x comes back as %s (%x)", all[i%len(all)], c.Format(i), key)
			}
			standard(m.t, c, i)
		}
	}
}

// standard fails for a float of which other bits are the same key: which of them
// comes first must not show.
func standard(t *rapid.T, c *batch.Column, row int) {
	for _, child := range c.Children {
		standard(t, child, row)
	}
	if c.Type.Kind.Form() != batch.FloatForm || c.Null(row) {
		return
	}
	v := c.Floats[row]
	if v == 0 && math.Signbit(v) || v != v && math.Float64bits(v) != math.Float64bits(math.NaN()) {
		t.Fatalf("key %v comes back with bits %x", v, math.Float64bits(v))
	}
}

// A key keeps nothing of the batch it came in: the batch may change afterwards.
func TestKeysCopy(t *testing.T) {
	typ := &batch.Type{Kind: batch.String}
	k := NewKeys(typ)
	data := []byte("abc")
	c := batch.NewStrings(typ, batch.Strings{Offsets: []int32{0, 3}, Data: data})
	k.Lookup(c, nil, make([]int32, 1))
	copy(data, "xyz")
	if got := k.Column([]int32{0}).Format(0); got != `"abc"` && got != "abc" {
		t.Errorf("the key is now %s", got)
	}
}

// Two hundred thousand strings that come and go leave no more behind than are
// alive at a time.
func TestKeysGiveTextsBack(t *testing.T) {
	typ := &batch.Type{Kind: batch.String}
	k := NewKeys(typ)
	var early, late int64
	ids := make([]int32, 100)
	for round := range 2000 {
		var s batch.Strings
		for i := range ids {
			s.Append(string(rune('a'+i)) + string(rune(0x4e00+round)) + "a text of some length to fill the arena")
		}
		k.Lookup(batch.NewStrings(typ, s), nil, ids)
		k.Release(ids)
		if round < 500 {
			early = max(early, k.SizeBytes())
		} else {
			late = max(late, k.SizeBytes())
		}
	}
	if k.Live() != 0 || late > early {
		t.Errorf("%d keys are alive; at most %d bytes were held in the first quarter, %d later", k.Live(), early, late)
	}
}
