package agg

import (
	"fmt"
	"testing"
	"time"

	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/field"
)

type sEvent struct {
	User  string
	Delay int64
	Price float64
	Type  string
	Opt   *int32
	At    time.Time
}
type sOut struct {
	N, Buys  int64
	Sum      int64
	Spend    float64
	MeanP    float64
	MeanO    *float64
	MaxBuy   *int64
	Last     time.Time
	MinType  string
	K        string
	From, To time.Time
}

func TestSmoke(t *testing.T) {
	a := Into(func(e *sEvent, o *sOut) []Term {
		return []Term{Count(&o.N), Sum(&o.Sum, &e.Delay), Sum(&o.Spend, &e.Price), Mean(&o.MeanP, &e.Price), Mean(o.MeanO, e.Opt),
			Where(field.Equal(&e.Type, "buy"), Count(&o.Buys), Max(o.MaxBuy, &e.Delay)), Max(&o.Last, &e.At), Min(&o.MinType, &e.Type),
			Key(&o.K), WindowStart(&o.From), WindowEnd(&o.To)}
	})
	p, err := a.Plan()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(p, p.Reads(), p.Saved())
	c, _ := codec.For[sEvent]()
	enc := c.NewEncoder()
	v := int32(7)
	enc.Append([]sEvent{{"a", 3, 0.1, "buy", nil, time.UnixMicro(5)}, {"b", 4, 0.2, "view", &v, time.UnixMicro(6)}, {"a", 9, 0.3, "view", nil, time.UnixMicro(4)}})
	root := enc.Finish()
	tb := p.NewTable()
	tb.Grow(3)
	if err := tb.Add([]int32{0, 1, 0}, root, nil, nil); err != nil {
		t.Fatal(err)
	}
	s, err := tb.Save([]int32{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	t2 := p.NewTable()
	t2.Grow(2)
	if err := t2.Load([]int32{0, 1}, s, nil); err != nil {
		t.Fatal(err)
	}
	kc, _ := codec.For[string]()
	ke := kc.NewEncoder()
	ke.Append([]string{"a", "b"})
	r, err := t2.Results([]int32{0, 1}, ke.Finish(), []int64{1, 2}, []int64{3, 4})
	if err != nil {
		t.Fatal(err)
	}
	oc, _ := codec.For[sOut]()
	outs := make([]sOut, 2)
	if err := oc.Decode(r, nil, outs); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%+v\n", outs)
}
