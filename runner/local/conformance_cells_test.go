package local_test

import (
	"fmt"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/state"
)

func init() {
	pipelineOf["state_combining"] = stateful(func() keyedFn {
		return &stateCombining{Sum: state.CombiningOf(agg.Into(func(v, sum *int64) []agg.Term { return []agg.Term{agg.Sum(sum, v)} }))}
	})
	pipelineOf["state_map"] = stateful(func() keyedFn { return &stateMap{} })
	pipelineOf["state_set"] = stateful(func() keyedFn { return &stateSet{} })
	pipelineOf["state_ordered_list"] = stateful(func() keyedFn { return &stateOrdered{} })
	pipelineOf["timer_proc"] = stateful(func() keyedFn { return &timerProcessing{} })
}

type stateCombining struct{ Sum state.Combining[int64, int64] }

func (d *stateCombining) Process(_ *leat.Context, in keyedElement, emit leat.Emit[string]) error {
	emit(fmt.Sprintf("%s: %d", in.Key, d.Sum.Get()))
	d.Sum.Add(1)
	return nil
}

type stateMap struct{ Map state.Map[string, int64] }

func (d *stateMap) Process(_ *leat.Context, in keyedElement, emit leat.Emit[string]) error {
	i, _ := d.Map.Get(in.Key)
	i++
	d.Map.Put(in.Key, i)
	d.Map.Put(fmt.Sprint(in.Key, i), i)
	emit(fmt.Sprintf("%s: %d, keys: %v", in.Key, i, d.Map.Keys()))
	return nil
}

type stateSet struct{ Set state.Set[string] }

func (d *stateSet) Process(_ *leat.Context, in keyedElement, emit leat.Emit[string]) error {
	ok := d.Set.Contains(in.Key)
	d.Set.Add(in.Key)
	if ok {
		d.Set.Add(in.Key + "1")
	}
	emit(fmt.Sprintf("%s: %t, keys: %v", in.Key, ok, d.Set.Values()))
	return nil
}

type stateOrdered struct{ List state.OrderedList[int64] }

func (d *stateOrdered) Process(_ *leat.Context, in keyedElement, emit leat.Emit[string]) error {
	before := d.List.Read()
	emit(fmt.Sprintf("%s: %v", in.Key, before))
	d.List.Add(int64(len(before)+1)*100, in.Value.V)
	return nil
}

// timerProcessing sets a timer five seconds of the clock ahead.
type timerProcessing struct {
	Key   state.Key[string]
	Timer state.ProcessingTimer
}

func (d *timerProcessing) Process(c *leat.Context, _ keyedElement, _ leat.Emit[string]) error {
	d.Timer.Set(c.ProcessingTime().Add(millis(5000)))
	return nil
}

func (d *timerProcessing) OnTimer(_ *leat.Context, emit leat.Emit[string]) error {
	emit(d.Key.Get() + ":pt")
	return nil
}
