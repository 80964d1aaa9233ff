package agg

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/axiomhq/hyperloglog"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// ApproxCountDistinct estimates the number of different values of a field,
// null not being one: exactly up to 1,024 of them, beyond that by HyperLogLog
// with 2^14 registers, whose standard error is 0.8 %. A group takes at most
// 16 KiB. The estimate depends on the set of values only, not on their order.
func ApproxCountDistinct[O Integer, T any](out *O, in *T) Term {
	return Term{function: "approxCountDistinct", out: out, in: in, build: func(r *resolver, t *bound) (finish, error) {
		name := "hyperloglog(" + t.in.Name + ")"
		s := r.state(stateSpec{
			name: name, where: t.where, paths: [][]int{t.in.Path}, fields: []batch.Field{{Name: name, Type: bytesType}},
			make: func() state { return new(sketches) },
		})
		return func(t *Table, q *request) (output, error) {
			return output{ints: t.states[s].(*sketches).estimates(q.slots)}, nil
		}, nil
	}}
}

// sketches estimates numbers of different values from the hashes of their key
// bytes. A group keeps the different hashes themselves while there are at most
// exactMax, then registers. As the number of different hashes only grows, a
// group has registers exactly when its set of hashes is larger than that, in
// whatever order and however divided they came. (The library's own sparse form
// is left when its encoding is long enough, which depends on the order.)
type sketches struct {
	slots  []sketch
	hashes []uint64 // scratch
	hasher codec.Hasher
}

type sketch struct {
	few       set[uint64]
	registers *hyperloglog.Sketch // nil while there are few
}

const exactMax = 1024

func (s *sketch) add(hash uint64) {
	if s.registers != nil {
		s.registers.InsertHash(hash)
		return
	}
	s.few.add(hash, nil)
	if s.few.clean > exactMax {
		s.promote()
	}
}

func (s *sketch) promote() {
	s.registers = hyperloglog.NewNoSparse()
	for _, h := range s.few.items {
		s.registers.InsertHash(h)
	}
	s.few = set[uint64]{}
}

// settle brings the sketch into the form its set of hashes demands.
func (s *sketch) settle() {
	if s.registers == nil && len(s.few.sort()) > exactMax {
		s.promote()
	}
}

func (s *sketch) merge(o *sketch) error {
	for _, h := range o.few.items {
		s.add(h)
	}
	if o.registers == nil {
		return nil
	}
	if s.registers == nil {
		s.promote()
	}
	return s.registers.Merge(o.registers)
}

func (k *sketches) grow(n int) {
	for len(k.slots) < n {
		k.slots = append(k.slots, sketch{})
	}
}

func (k *sketches) reset(slots []int32) {
	for _, s := range slots {
		k.slots[s] = sketch{}
	}
}

func (k *sketches) add(v *view) error {
	rows := v.rows
	if rows != nil {
		rows = rows[:v.n]
	}
	k.hashes = slices.Grow(k.hashes[:0], v.n)[:v.n]
	k.hasher.Hashes(v.cols[0], rows, k.hashes)
	for i, h := range k.hashes {
		k.slots[v.slotAt(i)].add(h)
	}
	return nil
}

func (k *sketches) copyFrom(dst, src []int32) {
	for i, d := range dst {
		from := &k.slots[src[i]]
		to := sketch{few: set[uint64]{slices.Clone(from.few.items), from.few.clean}}
		if from.registers != nil {
			to.registers = from.registers.Clone()
		}
		k.slots[d] = to
	}
}

func (k *sketches) merge(dst, src []int32) {
	for i, d := range dst {
		// Merging fails only between different precisions, and there is one.
		_ = k.slots[d].merge(&k.slots[src[i]])
	}
}

// A sketch is saved as 00 and its hashes, little endian and ascending, or as 01
// and the library's form of registers.
func (k *sketches) save(slots []int32) ([]*batch.Column, error) {
	b := newTexts(len(slots))
	var buffer []byte
	for _, slot := range slots {
		s := &k.slots[slot]
		s.settle()
		if s.registers == nil {
			buffer = append(buffer[:0], 0)
			for _, h := range s.few.items {
				buffer = binary.LittleEndian.AppendUint64(buffer, h)
			}
		} else {
			var err error
			if buffer, err = s.registers.AppendBinary(append(buffer[:0], 1)); err != nil {
				return nil, fmt.Errorf("save registers: %w", err)
			}
		}
		b.addBytes(buffer)
	}
	return single(b.column(bytesType))
}

func (k *sketches) load(slots []int32, saved []*batch.Column, rows []int32) error {
	for i, slot := range slots {
		b := saved[0].Bytes(rowAt(rows, i))
		switch {
		case len(b) > 0 && b[0] == 0 && len(b)%8 == 1 && len(b) <= 1+8*exactMax:
			for at := 1; at < len(b); at += 8 {
				k.slots[slot].add(binary.LittleEndian.Uint64(b[at:]))
			}
		case len(b) > 0 && b[0] == 1:
			var o sketch
			o.registers = hyperloglog.NewNoSparse()
			if err := o.registers.UnmarshalBinary(b[1:]); err != nil {
				return fmt.Errorf("%w (%w)", errKey, err)
			}
			if err := k.slots[slot].merge(&o); err != nil {
				return fmt.Errorf("%w (%w)", errKey, err)
			}
		default:
			return errKey
		}
	}
	return nil
}

func (k *sketches) estimates(slots []int32) []int64 {
	out := make([]int64, len(slots))
	for i, slot := range slots {
		s := &k.slots[slot]
		s.settle()
		out[i] = int64(len(s.few.items))
		if s.registers != nil {
			out[i] = int64(s.registers.Estimate())
		}
	}
	return out
}

func (k *sketches) sizeBytes() int64 {
	n := int64(40 * cap(k.slots))
	for i := range k.slots {
		n += int64(8 * cap(k.slots[i].few.items))
		if k.slots[i].registers != nil {
			n += 1 << 14
		}
	}
	return n
}
