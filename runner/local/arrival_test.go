package local_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// arrival is how the rows of a random pipeline reach the engine. It is no part of
// the pipeline: whatever it is, results are the same.
type arrival struct {
	seed    uint64 // of the order within the declared disorder, and of the cuts; 0: as made, in whole batches
	splits  int
	endless bool // partitions side by side, as of a topic, that end all the same
}

// arrivals is a source of rows in one or more partitions. It does what the plan
// lets it do: it leaves out the columns nobody needs and every row that cannot meet
// the condition, so that a plan that asks for too little gives other results. And it
// cuts batches anywhere, as a source does that passes on what there is.
type arrivals struct {
	arrival
	parts []memory.Source[record]
}

// newArrivals deals the rows to partitions and puts each into an order in which no
// row is more than disorder behind one before it.
func newArrivals(rows []record, disorder time.Duration, a arrival) arrivals {
	s := arrivals{arrival: a}
	if a.seed == 0 {
		s.parts = []memory.Source[record]{{Rows: rows, Splits: a.splits}}
		return s
	}
	r := rand.New(rand.NewPCG(a.seed, 3))
	parts := make([][]record, 1)
	if a.endless {
		parts = make([][]record, 1+r.IntN(4))
	}
	for _, row := range rows {
		p := r.IntN(len(parts))
		parts[p] = append(parts[p], row)
	}
	for _, part := range parts {
		s.parts = append(s.parts, memory.Source[record]{Rows: within(r, part, disorder), Splits: a.splits})
	}
	return s
}

// within sorts rows by when each arrives, at most disorder after its event time: of
// two rows, one that comes later is then no more than disorder behind.
func within(r *rand.Rand, rows []record, disorder time.Duration) []record {
	type arriving struct {
		row record
		at  time.Time
	}
	all := make([]arriving, len(rows))
	for i, row := range rows {
		delay := time.Duration(r.Int64N(int64(disorder) + 1))
		if r.IntN(4) == 0 {
			delay = []time.Duration{0, disorder}[r.IntN(2)] // the bound itself
		}
		all[i] = arriving{row, row.At.Add(delay)}
	}
	slices.SortStableFunc(all, func(a, b arriving) int { return a.at.Compare(b.at) })
	out := make([]record, len(all))
	for i, a := range all {
		out[i] = a.row
	}
	return out
}

// String implements connector.Source.
func (s arrivals) String() string { return "rows" }

// Bounded implements connector.Source.
func (s arrivals) Bounded() bool { return !s.endless }

// Validate implements connector.Source.
func (s arrivals) Validate(t *batch.Type) error { return s.parts[0].Validate(t) }

// Open implements connector.Source.
func (s arrivals) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	in := &arrivingInput{request: r, seed: s.seed}
	for _, part := range s.parts {
		input, err := part.Open(ctx, r)
		if err != nil {
			return nil, err
		}
		in.parts = append(in.parts, input)
	}
	return in, nil
}

type arrivingInput struct {
	request connector.Request
	seed    uint64
	parts   []connector.Input
}

// partSplit is a split of a partition.
type partSplit struct {
	part  connector.Input
	split connector.Split
}

// Splits implements connector.Input.
func (in *arrivingInput) Splits() []connector.Split {
	var all []connector.Split
	for _, part := range in.parts {
		for _, s := range part.Splits() {
			own := s
			own.Data = partSplit{part, s}
			all = append(all, own)
		}
	}
	return all
}

// Reader implements connector.Input.
func (in *arrivingInput) Reader(ctx context.Context, s connector.Split) (connector.Reader, error) {
	of := s.Data.(partSplit)
	r, err := of.part.Reader(ctx, of.split)
	reader := &arrivingReader{Reader: r, request: in.request}
	if in.seed != 0 {
		reader.cut = rand.New(rand.NewPCG(in.seed, uint64(len(s.Name))))
	}
	return reader, err
}

// Close implements connector.Input.
func (in *arrivingInput) Close() error {
	for _, part := range in.parts {
		if err := part.Close(); err != nil {
			return err
		}
	}
	return nil
}

type arrivingReader struct {
	connector.Reader
	request connector.Request
	cut     *rand.Rand // nil: batches are passed on whole
	rest    *batch.Batch
}

// Read implements connector.Reader.
func (r *arrivingReader) Read(ctx context.Context) (*batch.Batch, error) {
	for {
		b, err := r.rest, error(nil)
		if b == nil {
			b, err = r.Reader.Read(ctx)
		}
		r.rest = nil
		if err != nil || b == nil {
			return nil, err
		}
		if r.cut != nil && b.Len() > 1 && r.cut.IntN(2) == 0 {
			at := 1 + r.cut.IntN(b.Len()-1)
			b, r.rest = b.Slice(0, at), b.Slice(at, b.Len())
		}
		if b = r.narrowed(b); b.Len() > 0 {
			return b, nil
		}
	}
}

// narrowed leaves out rows and columns as the request allows.
func (r *arrivingReader) narrowed(b *batch.Batch) *batch.Batch {
	if f := r.request.Filter; f != nil {
		b = b.Gather(f.NewEvaluator().Rows(b.Root, nil, nil))
	}
	root := *b.Root
	root.Children = slices.Clone(root.Children)
	for i := range root.Children {
		if !r.request.Needs(i) {
			root.Children[i] = nil
		}
	}
	return b.WithRoot(&root)
}
