// Package lines reads files of lines, plain or compressed, in parallel: the part
// that text and newline-delimited JSON share.
//
// The one central idea: a large file is cut at bytes and read at lines. A range
// owns the lines that start in it, so every line has one owner wherever the cuts
// fall:
//
//	bytes   0 ─────────── cut ─────────── cut ──────── end
//	file    aaaa⏎bbbbbbbbb│bb⏎cc⏎ddd⏎eeee⏎│ffff⏎ggggggg
//	range   └─ a, b ──────┘└─ c, d, e ────┘└─ f, g ───┘
//	          reads on past its end       skips what b left over
//
// A compressed file and a pipe are one range each.
package lines

import (
	"fmt"
	"strings"

	"github.com/leatflow/leat/sdk/connector/files"
)

// CutBytes is the smallest part of a file that is worth a split of its own.
const CutBytes = 16 << 20

// piecesPerReader is how many ranges there are for each reader, so that readers
// finish at about the same time.
const piecesPerReader = 4

// Range is the part of a file that one reader reads.
type Range struct {
	File files.File
	From int64 // first byte
	To   int64 // lines that start at this byte or later are not ours; -1: all lines
}

// String names the range for messages: events.json or events.json[0:16777216].
func (r Range) String() string {
	if r.From == 0 && (r.To < 0 || r.To == r.File.Size) {
		return r.File.Path
	}
	return fmt.Sprintf("%s[%d:%d]", r.File.Path, r.From, r.To)
}

// Bytes returns the size of the range on disk, -1 when it is not known.
func (r Range) Bytes() int64 {
	if r.To < 0 {
		return r.File.Size
	}
	return r.To - r.From
}

// Cut divides files into ranges for parallel reading, in the order of the
// files. No range is smaller than least bytes (0: CutBytes) unless its file is.
func Cut(list []files.File, parallelism int, least int64) []Range {
	if least <= 0 {
		least = CutBytes
	}
	var out []Range
	for _, f := range list {
		if f.Size < 0 || Compressed(f.Path) {
			out = append(out, Range{File: f, To: -1})
			continue
		}
		pieces := max(1, f.Size/max(least, f.Size/int64(piecesPerReader*max(1, parallelism))))
		for i := range pieces {
			out = append(out, Range{File: f, From: cutAt(f.Size, i, pieces), To: cutAt(f.Size, i+1, pieces)})
		}
	}
	return out
}

// cutAt is where piece i of a file begins, without overflow for any size.
func cutAt(size, i, pieces int64) int64 {
	return size/pieces*i + size%pieces*i/pieces
}

// Compressed reports whether the suffix of a path names a compression that
// Open undoes: .gz or .zst.
func Compressed(path string) bool {
	return strings.HasSuffix(path, ".gz") || strings.HasSuffix(path, ".zst")
}
