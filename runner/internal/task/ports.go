package task

import (
	"context"
	"math"

	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/runner/internal/watermark"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// ports follows the watermark of each input of an operator by itself, for one that
// looks at them apart:
//
//	input 0 ──▶ WatermarkOf(0)
//	input 1 ──▶ WatermarkOf(1)
type ports struct {
	op   operator.Apart
	each []*watermark.Combiner // of one input each
	told []int64
}

func newPorts(op operator.Apart, inputs int) *ports {
	p := &ports{op: op}
	for range inputs {
		p.each = append(p.each, watermark.NewCombiner(1))
		p.told = append(p.told, batch.MinTime)
	}
	return p
}

func (p *ports) advance(input int, w int64) { p.each[input].Advance(0, w) }

func (p *ports) setIdle(input int) { p.each[input].SetIdle(0) }

func (p *ports) setActive(input int) { p.each[input].SetActive(0) }

func (p *ports) finish(input int) { p.each[input].Finish(0) }

// tell tells the operator of ports that have risen. all is the watermark of all
// together, behind which none of them stays: it does not wait for idle ones.
func (p *ports) tell(ctx context.Context, all int64, emit graph.Emit) (told bool, err error) {
	for port, c := range p.each {
		w := max(c.Current(), all)
		if c.Done() {
			w = math.MaxInt64
		}
		if w <= p.told[port] {
			continue
		}
		p.told[port], told = w, true
		if err := p.op.WatermarkOf(ctx, port, w, emit); err != nil {
			return true, err
		}
	}
	return told, nil
}
