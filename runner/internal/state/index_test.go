package state

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/window"
)

// find looks an id up as Keys does: probing until an empty entry.
func (x *index) find(hash uint32, id int32) bool {
	mask := uint32(len(x.entries) - 1)
	for i := hash & mask; x.entries[i].id != 0; i = (i + 1) & mask {
		if x.entries[i] == (entry{hash, id + 1}) {
			return true
		}
	}
	return false
}

// After any sequence of inserts and removes the index finds what a map has and
// nothing else, however many hashes collide or wrap around the end.
func TestIndexAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, model := newIndex(), make(map[int32]uint32)
		hash := rapid.OneOf(rapid.Uint32Range(60, 66), rapid.Uint32Range(0, 3), rapid.Uint32())
		next := int32(0)
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			if len(model) > 0 && rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				id := rapid.SampledFrom(sortedKeys(model)).Draw(t, "id")
				x.remove(model[id], id)
				if x.find(model[id], id) {
					t.Fatalf("id %d is found after its removal", id)
				}
				delete(model, id)
			} else {
				model[next] = hash.Draw(t, "hash")
				x.insert(model[next], next)
				next++
			}
			agree(t, &x, model)
		}
	})
}

func agree(t *rapid.T, x *index, model map[int32]uint32) {
	found := make(map[int32]uint32)
	for _, e := range x.entries {
		if e.id != 0 {
			found[e.id-1] = e.hash
		}
	}
	if !maps.Equal(found, model) || x.used != len(model) {
		t.Fatalf("the index holds %v (used %d), want %v", found, x.used, model)
	}
	for id, h := range model {
		if !x.find(h, id) {
			t.Fatalf("id %d under hash %d cannot be reached", id, h)
		}
	}
	if 2*x.used > len(x.entries) {
		t.Fatalf("%d of %d entries are in use, more than half", x.used, len(x.entries))
	}
}

func sortedKeys(m map[int32]uint32) []int32 {
	ids := make([]int32, 0, len(m))
	for id := range int32(1 << 10) {
		if _, ok := m[id]; ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// Panes hand out a slot for each (interval, id) and the same one again, are
// sorted by end and start, and forget what is dropped.
func TestPanesAgainstMap(t *testing.T) {
	type place struct {
		window.Interval
		id int32
	}
	rapid.Check(t, func(t *rapid.T) {
		panes, slots, model := NewPanes(), &Slots{}, make(map[place]int32)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.IntRange(0, 30).Draw(t, "drop") == 0 && panes.Len() > 0 {
				n := rapid.IntRange(0, panes.Len()).Draw(t, "n")
				for _, p := range panes.Sorted()[:n] {
					slots.Give(p.Slots)
					for _, id := range p.Keys {
						delete(model, place{p.Interval, id})
					}
				}
				panes.Drop(n)
			}
			start := rapid.Int64Range(-4, 4).Draw(t, "start") * 10
			w := window.Interval{Start: start, End: start + rapid.SampledFrom([]int64{10, 20}).Draw(t, "size")}
			if p := panes.Find(start + 3); p != nil && (p.Start > start+3 || p.End <= start+3) {
				t.Fatalf("Find(%d) gave pane %v", start+3, p.Interval)
			}
			at := place{w, rapid.Int32Range(0, 40).Draw(t, "id")}
			got := panes.Get(w).Slot(at.id, slots)
			if want, known := model[at]; known && got != want {
				t.Fatalf("%v has slot %d, had %d", at, got, want)
			}
			model[at] = got
		}
		inUse := make(map[int32]bool)
		for _, slot := range model {
			if inUse[slot] {
				t.Fatalf("slot %d is given twice", slot)
			}
			inUse[slot] = true
		}
		if slots.InUse() != len(model) || slots.Len() < len(model) {
			t.Fatalf("%d slots in use of %d, want %d", slots.InUse(), slots.Len(), len(model))
		}
		total := 0
		for i, p := range panes.Sorted() {
			total += len(p.Keys)
			if i > 0 && comparePanes(panes.Sorted()[i-1], p) >= 0 {
				t.Fatalf("pane %v comes after %v", p.Interval, panes.Sorted()[i-1].Interval)
			}
		}
		if total != len(model) || panes.Len() != len(panes.Sorted()) {
			t.Fatalf("the panes hold %d groups, want %d", total, len(model))
		}
	})
}
