package task

import (
	"context"
	"math"

	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/runner/internal/watermark"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// ports follows the watermark of each input of an operator by itself:
//
//	split 0 ─┐
//	split 1 ─┴─▶ port 0 ─▶ WatermarkOf(0)       the input of a link is a split or a
//	exchange ──▶ port 1 ─▶ WatermarkOf(1)       channel, several may be one port
type ports struct {
	op     operator.Apart
	of     []int // input of the link → port
	within []int // its number within the port
	each   []*watermark.Combiner
	told   []int64
}

func newPorts(op operator.Apart, of []int) *ports {
	p := &ports{op: op, of: of}
	var sizes []int
	for _, port := range of {
		for len(sizes) <= port {
			sizes = append(sizes, 0)
		}
		p.within = append(p.within, sizes[port])
		sizes[port]++
	}
	for _, n := range sizes {
		p.each = append(p.each, watermark.NewCombiner(n))
		p.told = append(p.told, batch.MinTime)
	}
	return p
}

func (p *ports) advance(input int, w int64) { p.each[p.of[input]].Advance(p.within[input], w) }

func (p *ports) setIdle(input int) { p.each[p.of[input]].SetIdle(p.within[input]) }

func (p *ports) setActive(input int) { p.each[p.of[input]].SetActive(p.within[input]) }

func (p *ports) finish(input int) { p.each[p.of[input]].Finish(p.within[input]) }

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
