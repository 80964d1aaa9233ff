package pages

import (
	"encoding/binary"

	"github.com/leatflow/leat/sdk/batch"
)

// Limits within which strings are written as a dictionary.
const (
	dictionaryBytes = 4 << 20 // of distinct values
	dictionaryShare = 2       // at most one distinct value for so many

	// Keys of a table are mostly distinct, and finding that out costs more than
	// writing them: when dictionaryTrial distinct values have come and fewer than
	// a third as many repetitions, that is taken for the answer.
	dictionaryTrial = 1 << 14
)

// textColumn gathers the strings of a column chunk. Codes are given in order of
// first occurrence, so they depend on the values alone and not on how batches
// came encoded. When the values turn out to be too many or too different, what
// was coded is forgotten and the chunk is written plain.
type textColumn struct {
	parts []textPart
	count int

	codes  []int32
	index  map[string]int32
	values [][]byte
	bytes  int
	plain  bool

	known map[*batch.Dictionary][]int32 // per entry its code, or -1
}

// textPart is a column and the rows of it that are written; nil: all.
type textPart struct {
	column *batch.Column
	rows   []int32
}

func (t textColumn) reset() textColumn {
	clear(t.parts)
	clear(t.values)
	clear(t.index)
	clear(t.known)
	return textColumn{parts: t.parts[:0], codes: t.codes[:0], index: t.index, values: t.values[:0], known: t.known}
}

func (t *textColumn) add(c *batch.Column, rows []int32) {
	t.parts = append(t.parts, textPart{c, rows})
	n := c.Len
	if rows != nil {
		n = len(rows)
	}
	t.count += n
	if t.index == nil {
		t.index, t.known = map[string]int32{}, map[*batch.Dictionary][]int32{}
	}
	switch {
	case t.plain || n == 0:
	case c.Dict != nil:
		t.addCodes(c, rows)
	default:
		t.addStrings(c, rows, n)
	}
}

// addCodes translates the codes of a batch, looking at each entry of its
// dictionary once.
func (t *textColumn) addCodes(c *batch.Column, rows []int32) {
	known := t.known[c.Dict]
	if known == nil {
		known = make([]int32, c.Dict.Len())
		fill(known, -1)
		t.known[c.Dict] = known
	}
	in := c.Codes
	if rows != nil {
		in = pick(nil, c.Codes, rows)
	}
	before := len(t.codes)
	out := extend(&t.codes, len(in))
	for i, code := range in {
		k := known[code]
		if k < 0 {
			if k = t.code(c.Dict.Bytes(int(code)), before+i); t.plain {
				return
			}
			known[code] = k
		}
		out[i] = k
	}
}

func (t *textColumn) addStrings(c *batch.Column, rows []int32, n int) {
	before := len(t.codes)
	out := extend(&t.codes, n)
	for i := range n {
		r := i
		if rows != nil {
			r = int(rows[i])
		}
		if out[i] = t.code(c.Strings.Bytes(r), before+i); t.plain {
			return
		}
	}
}

// code returns the code of v, a new one when it was not among the values before,
// of which there were so many. It may decide that the chunk is plain.
func (t *textColumn) code(v []byte, before int) int32 {
	if k, ok := t.index[string(v)]; ok {
		return k
	}
	k := int32(len(t.values))
	t.values = append(t.values, v)
	t.bytes += len(v) + 4
	if t.bytes > dictionaryBytes || k == dictionaryTrial && before < dictionaryTrial+dictionaryTrial/3 {
		t.plain = true
		return 0
	}
	t.index[string(v)] = k
	return k
}

// coded decides, when all values are in, whether they are written as a dictionary.
func (t *textColumn) coded() bool {
	return !t.plain && len(t.values)*dictionaryShare <= max(t.count, 2*dictionaryShare)
}

// appendPlain appends a byte array as PLAIN stores it.
func appendPlain(dst, v []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(v))), v...)
}
