package local_test

import (
	"context"
	"slices"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// selective is a source that does what the plan lets it do: it leaves out the
// columns nobody needs and every row that cannot meet the condition, so that a
// plan that asks for too little gives other results.
type selective struct{ memory.Source[record] }

func (s selective) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	in, err := s.Source.Open(ctx, r)
	return &selectiveInput{in, r}, err
}

type selectiveInput struct {
	connector.Input
	request connector.Request
}

func (in *selectiveInput) Reader(ctx context.Context, s connector.Split) (connector.Reader, error) {
	r, err := in.Input.Reader(ctx, s)
	return &selectiveReader{r, in.request}, err
}

type selectiveReader struct {
	connector.Reader
	request connector.Request
}

func (r *selectiveReader) Read(ctx context.Context) (*batch.Batch, error) {
	for {
		b, err := r.Reader.Read(ctx)
		if err != nil {
			return nil, err
		}
		if f := r.request.Filter; f != nil {
			b = b.Gather(f.NewEvaluator().Rows(b.Root, nil, nil))
		}
		if b.Len() == 0 {
			continue
		}
		root := *b.Root
		root.Children = slices.Clone(root.Children)
		for i := range root.Children {
			if !r.request.Needs(i) {
				root.Children[i] = nil
			}
		}
		return b.WithRoot(&root), nil
	}
}
