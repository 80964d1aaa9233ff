package spill

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
)

// A batch of any type comes back with the same rows, times and windows, whatever
// it shares with other batches and whatever rows its selection leaves out.
func TestRoundTrip(t *testing.T) {
	area := NewArea(t.TempDir(), nil)
	defer area.Close()
	file, err := area.Create("the test")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := drawBatch(t)
		k, err := file.Append(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := file.Read(k)
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.Validate(got.Root); err != nil {
			t.Fatal(err)
		}
		sameBatch(t, got, b)
		if k.Rows != b.Len() || k.SizeBytes() == 0 {
			t.Fatalf("the block has %d rows of %d, %d bytes", k.Rows, b.Len(), k.SizeBytes())
		}
	})
}

// drawBatch draws rows, cuts some off and selects some of the rest.
func drawBatch(t *rapid.T) *batch.Batch {
	n := rapid.IntRange(0, 40).Draw(t, "rows")
	typ := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "a", Type: batchtest.Type(t, 2)}, {Name: "b", Type: batchtest.Type(t, 2)}}}
	b := &batch.Batch{Root: batchtest.Column(t, typ, n)}
	if rapid.Bool().Draw(t, "unread") && !b.Root.Type.Nullable {
		root := *b.Root
		root.Children = []*batch.Column{root.Children[0], nil}
		b.Root = &root
	}
	if rapid.Bool().Draw(t, "timed") {
		b.Time = rapid.SliceOfN(rapid.Int64(), n, n).Draw(t, "time")
	}
	if rapid.Bool().Draw(t, "windowed") {
		b.Start = rapid.SliceOfN(rapid.Int64(), n, n).Draw(t, "start")
		b.End = rapid.SliceOfN(rapid.Int64(), n, n).Draw(t, "end")
	}
	if rapid.Bool().Draw(t, "retracting") {
		b.Panes = rapid.SliceOfN(rapid.Custom(drawPane), n, n).Draw(t, "panes")
		b.Retract = rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "retract")
	}
	from := rapid.IntRange(0, n).Draw(t, "from")
	b = b.Slice(from, rapid.IntRange(from, n).Draw(t, "to"))
	if rapid.Bool().Draw(t, "selecting") {
		sel := []int32{}
		for i := range b.Len() {
			if rapid.Bool().Draw(t, "selected") {
				sel = append(sel, int32(i))
			}
		}
		b = b.WithSel(sel)
	}
	return b
}

func sameBatch(t *rapid.T, got, want *batch.Batch) {
	if got.Len() != want.Len() || got.Sel != nil {
		t.Fatalf("%d rows came back of %d", got.Len(), want.Len())
	}
	for i := range want.Len() {
		w := want.Row(i)
		switch {
		case !got.Root.Equal(i, want.Root, w):
			t.Fatalf("row %d came back as %s, was %s", i, got.Root.Format(i), want.Root.Format(w))
		case (got.Time == nil) != (want.Time == nil) || got.TimeAt(i) != want.TimeAt(w):
			t.Fatalf("row %d: its time is %d, was %d", i, got.TimeAt(i), want.TimeAt(w))
		case (got.Start == nil) != (want.Start == nil) || got.Start != nil && (got.Start[i] != want.Start[w] || got.End[i] != want.End[w]):
			t.Fatalf("row %d: its window changed", i)
		case (got.Panes == nil) != (want.Panes == nil) || got.PaneAt(i) != want.PaneAt(w):
			t.Fatalf("row %d is of pane %v, want %v", i, got.PaneAt(i), want.PaneAt(w))
		case (got.Retract == nil) != (want.Retract == nil) || got.Retract != nil && got.Retract[i] != want.Retract[w]:
			t.Fatalf("row %d: its mark changed", i)
		}
	}
}

func numbered(n int) *batch.Batch {
	values := make([]int64, n)
	for i := range values {
		values[i] = int64(i) * 0x9e3779b9
	}
	return &batch.Batch{Root: batch.NewInts(&batch.Type{Kind: batch.Int64}, values)}
}

// Several goroutines write to one file and read what others wrote; every byte is
// counted.
func TestConcurrent(t *testing.T) {
	area := NewArea(t.TempDir(), nil)
	defer area.Close()
	file, err := area.Create("the test")
	if err != nil {
		t.Fatal(err)
	}
	blocks := make([][]Block, 4)
	var group sync.WaitGroup
	for g := range blocks {
		group.Go(func() {
			for i := range 50 {
				k, err := file.Append(numbered(100*g + i))
				if err != nil {
					t.Error(err)
					return
				}
				blocks[g] = append(blocks[g], k)
			}
		})
	}
	group.Wait()
	var kept int64
	for g := range blocks {
		for i, k := range blocks[g] {
			b, err := file.Read(k)
			if err != nil || b.Len() != 100*g+i {
				t.Fatalf("block %d of %d: %v", i, g, err)
			}
			kept += int64(k.kept)
		}
	}
	if area.Written() != kept {
		t.Errorf("%d bytes were counted, %d written", area.Written(), kept)
	}
}

// noise is a batch that does not compress.
func noise(n int) *batch.Batch {
	r := rand.New(rand.NewPCG(1, 2))
	values := make([]int64, n)
	for i := range values {
		values[i] = int64(r.Uint64())
	}
	return &batch.Batch{Root: batch.NewInts(&batch.Type{Kind: batch.Int64}, values)}
}

// left lists what is in a directory.
func left(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A block that was changed or cut off on disk is an error that says so, whether
// it is compressed or not, and never a wrong batch or a panic.
func TestDamaged(t *testing.T) {
	for name, b := range map[string]*batch.Batch{
		"compressed": {Root: batch.NewInts(&batch.Type{Kind: batch.Int64}, make([]int64, 1000))},
		"as it was":  noise(300),
	} {
		area := NewArea(t.TempDir(), &faults{pinned: true, room: -1})
		file, err := area.Create("the state of step \"total\"")
		if err != nil {
			t.Fatal(err)
		}
		k, err := file.Append(b)
		if err != nil {
			t.Fatal(err)
		}
		if (k.kept < k.raw) != (name == "compressed") {
			t.Fatalf("%s: %d of %d bytes are in the file", name, k.kept, k.raw)
		}
		stored := make([]byte, k.kept)
		if _, err := file.handle.ReadAt(stored, 0); err != nil {
			t.Fatal(err)
		}
		for at := range stored {
			changed := bytes.Clone(stored)
			changed[at] ^= 0x40
			if _, err := file.handle.WriteAt(changed, 0); err != nil {
				t.Fatal(err)
			}
			_, err := file.Read(k)
			if !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "step \"total\"") {
				t.Fatalf("%s: byte %d was changed: %v", name, at, err)
			}
		}
		if err := os.Truncate(file.path, int64(k.kept-1)); err != nil {
			t.Fatal(err)
		}
		if _, err := file.Read(k); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d of %d bytes are there", k.kept-1, k.kept)) {
			t.Errorf("%s: the file was cut off: %v", name, err)
		}
		if err := area.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A block whose words were taken for another type ends in an error.
func TestWrongType(t *testing.T) {
	raw := appendBatch(nil, numbered(10))
	for _, kind := range []batch.Kind{batch.String, batch.List, batch.Struct} {
		typ := &batch.Type{Kind: kind}
		if kind != batch.String {
			typ.Fields = []batch.Field{{Name: "element", Type: &batch.Type{Kind: batch.String}}}
		}
		if _, err := readBatch(raw, typ); err == nil {
			t.Errorf("ten integers were read as %s", typ)
		}
	}
}

// A full disk is an error that says whose it is, where, how far it came and what
// to do; whatever fails, nothing is left behind.
func TestFullDisk(t *testing.T) {
	for name, system := range map[string]*faults{
		"no room":           {room: 1000},
		"no room, pinned":   {room: 1000, pinned: true},
		"no directory":      {noDir: true, room: -1},
		"no file":           {noCreate: true, room: -1},
		"enough room":       {room: -1},
		"enough and pinned": {room: -1, pinned: true},
	} {
		dir := t.TempDir()
		area := NewArea(dir, system)
		err := func() error {
			file, err := area.Create(`the state of step "total"`)
			for i := 0; err == nil && i < 20; i++ {
				_, err = file.Append(numbered(100))
			}
			return err
		}()
		fails := !strings.HasPrefix(name, "enough")
		if (err != nil) != fails {
			t.Errorf("%s: %v", name, err)
		}
		if fails {
			for _, want := range []string{`the state of step "total"`, dir, "-spill", "-memory"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: the message does not say %s: %v", name, want, err)
				}
			}
		}
		if strings.HasPrefix(name, "no room") && (!errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), fmt.Sprint("after ", area.Written(), " bytes"))) {
			t.Errorf("%s: %v", name, err)
		}
		if err := area.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if names := left(t, dir); len(names) > 0 {
			t.Errorf("%s: %v is left", name, names)
		}
		if _, err := area.Create("late"); err == nil {
			t.Errorf("%s: a file was made after the end", name)
		}
	}
}

// While a job runs its files have no name; its directory begins with a dot.
func TestUnlinkedEarly(t *testing.T) {
	dir := t.TempDir()
	area := NewArea(dir, nil)
	defer area.Close()
	file, err := area.Create("the test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Append(numbered(1000)); err != nil {
		t.Fatal(err)
	}
	names := left(t, dir)
	if len(names) != 1 || !strings.HasPrefix(names[0], Prefix) {
		t.Fatalf("the directory has %v", names)
	}
	if inside := left(t, filepath.Join(dir, names[0])); len(inside) > 0 {
		t.Errorf("%v can be seen", inside)
	}
}

// Whatever bytes a block has, reading it ends in a batch or an error.
func FuzzReadBatch(f *testing.F) {
	typ := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{
		{Name: "text", Type: &batch.Type{Kind: batch.String}},
		{Name: "list", Type: &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: &batch.Type{Kind: batch.Int64}}}}},
		{Name: "yes", Type: &batch.Type{Kind: batch.Bool}},
	}}
	text := batch.NewStrings(typ.Fields[0].Type, batch.Strings{Offsets: []int32{0, 1, 3}, Data: []byte("abc")})
	list := &batch.Column{Type: typ.Fields[1].Type, Len: 2, Offsets: []int32{0, 0, 2}, Children: []*batch.Column{numbered(2).Root}}
	root := batch.NewStruct(typ, 2, text, list, batch.NewBools(typ.Fields[2].Type, []bool{true, false}))
	f.Add(appendBatch(nil, &batch.Batch{Root: root, Time: []int64{1, 2}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		aligned := append(make([]byte, 0, len(raw)+8), raw...)
		if b, err := readBatch(aligned, typ); err == nil && b == nil {
			t.Error("neither a batch nor an error")
		}
	})
}

func drawPane(t *rapid.T) batch.Pane {
	return batch.Pane{Index: rapid.Int32().Draw(t, "index"), NonSpeculative: rapid.Int32().Draw(t, "non-speculative"),
		Timing: batch.Timing(rapid.IntRange(0, 3).Draw(t, "timing")), First: rapid.Bool().Draw(t, "first"), Last: rapid.Bool().Draw(t, "last")}
}
