package profile

import (
	"sync"

	"github.com/leatflow/leat/sdk/batch"
)

// Table profiles all columns of a table, each in a goroutine of its own, so that
// every column sees its batches in order. Fields of structs are columns too.
type Table struct {
	columns []*worker
	wait    sync.WaitGroup
	rows    int64
}

type worker struct {
	*Accumulator
	path []int
	in   chan *batch.Column
}

// ahead is how many batches a column may lag behind the reader.
const ahead = 4

// Start returns a profile of rows of type t, a struct.
func Start(t *batch.Type) *Table {
	p := &Table{}
	p.addFields(t, "", nil)
	for _, w := range p.columns {
		p.wait.Go(func() {
			for c := range w.in {
				w.Add(c)
			}
		})
	}
	return p
}

func (p *Table) addFields(t *batch.Type, prefix string, path []int) {
	for i, f := range t.Fields {
		name, at := prefix+f.Name, append(path[:len(path):len(path)], i)
		if f.Type.Kind == batch.Struct && len(f.Type.Fields) > 0 {
			p.addFields(f.Type, name+".", at)
			continue
		}
		p.columns = append(p.columns, &worker{Accumulator: New(name, f.Type), path: at, in: make(chan *batch.Column, ahead)})
	}
}

// Add takes the next rows. It is for one goroutine.
func (p *Table) Add(rows *batch.Column) {
	p.rows += int64(rows.Len)
	for _, w := range p.columns {
		w.in <- rows.Flatten(w.path)
	}
}

// Finish waits for all columns and returns what was found, in the order of the
// type. It must be called, once, however the reading ended.
func (p *Table) Finish(top int) []Column {
	for _, w := range p.columns {
		close(w.in)
	}
	p.wait.Wait()
	out := make([]Column, len(p.columns))
	for i, w := range p.columns {
		out[i] = w.Finish(top)
	}
	return out
}

// Rows returns how many rows were taken.
func (p *Table) Rows() int64 { return p.rows }
