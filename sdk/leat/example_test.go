package leat_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/state"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// Order is the row of the examples.
type Order struct {
	Customer string    `leat:"customer"`
	Item     string    `leat:"item"`
	Price    float64   `leat:"price"`
	At       time.Time `leat:"at"`
}

func minute(m int) time.Time { return time.Date(2026, 3, 1, 12, m, 0, 0, time.UTC) }

// orders are what the examples read.
var orders = memory.Of(
	Order{"ann", "pen", 2, minute(0)},
	Order{"bob", "ink", 7, minute(4)},
	Order{"ann", "ink", 7, minute(5)},
	Order{"ann", "pad", 4, minute(11)},
)

// show runs the pipeline that ends in a collection and prints its rows, sorted.
func show[T any](p *leat.Pipeline, in leat.PCollection[T]) {
	var rows memory.Collector[T]
	leat.Write(in, "show", &rows)
	if _, err := local.Run(context.Background(), p, local.Options{}); err != nil {
		fmt.Println(err)
		return
	}
	var lines []string
	for _, row := range rows.Rows() {
		lines = append(lines, fmt.Sprint(row))
	}
	slices.Sort(lines)
	fmt.Println(strings.Join(lines, "\n"))
}

func ExampleRead() {
	p := &leat.Pipeline{}
	words := leat.Read[string](p, "words", memory.Of("mill", "wheel"))
	show(p, words)
	// Output:
	// mill
	// wheel
}

func ExampleMap() {
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	items := leat.Map(in, "item", func(o Order) string { return strings.ToUpper(o.Item) })
	show(p, items)
	// Output:
	// INK
	// INK
	// PAD
	// PEN
}

func ExampleFilter() {
	p := &leat.Pipeline{}
	in := leat.Read[string](p, "words", memory.Of("leat", "mill", "level"))
	same := leat.Filter(in, "palindromes", func(w string) bool {
		letters := []rune(w)
		slices.Reverse(letters)
		return string(letters) == w
	})
	show(p, same)
	// Output:
	// level
}

// A condition on fields is read by the engine: a Parquet source skips what
// cannot meet it.
func ExampleWhere() {
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	dear := leat.Where(in, "dear", func(o *Order) field.Cond {
		return field.And(field.AtLeast(&o.Price, 4), field.NotEqual(&o.Customer, "bob"))
	})
	show(p, leat.Map(dear, "item", func(o Order) string { return o.Item }))
	// Output:
	// ink
	// pad
}

func ExampleFlatMap() {
	p := &leat.Pipeline{}
	lines := leat.Read[string](p, "lines", memory.Of("the mill", "the wheel"))
	words := leat.FlatMap(lines, "words", strings.FieldsSeq)
	show(p, words)
	// Output:
	// mill
	// the
	// the
	// wheel
}

// toNumber has a side output for the lines that are no numbers.
type toNumber struct {
	Bad leat.Output[string]
}

func (t *toNumber) Process(_ *leat.Context, line string, emit leat.Emit[int64]) error {
	n, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		t.Bad.Emit(line)
		return nil
	}
	emit(n)
	return nil
}

func ExampleParDo() {
	p := &leat.Pipeline{}
	lines := leat.Read[string](p, "lines", memory.Of("7", "seven", "8"))
	parse := &toNumber{}
	numbers := leat.ParDo(lines, "parse", parse)
	double := leat.Map(numbers, "double", func(n int64) string { return strconv.FormatInt(2*n, 10) })
	bad := leat.Map(parse.Bad.Collection(), "report", func(line string) string { return "not a number: " + line })
	show(p, leat.Flatten(double, bad))
	// Output:
	// 14
	// 16
	// not a number: seven
}

func ExampleDo() {
	p := &leat.Pipeline{}
	in := leat.Read(p, "orders", orders, leat.EventTimeField(func(o *Order) *time.Time { return &o.At }, watermark.Disorder(time.Minute)))
	lines := leat.ParDo(in, "line", leat.Do(func(c *leat.Context, o Order, emit leat.Emit[string]) error {
		if o.Price < 0 {
			return fmt.Errorf("the price of %s is negative", o.Item)
		}
		emit(c.Time().Format("15:04 ") + o.Item)
		return nil
	}))
	show(p, lines)
	// Output:
	// 12:00 pen
	// 12:04 ink
	// 12:05 ink
	// 12:11 pad
}

func ExampleFlatten() {
	p := &leat.Pipeline{}
	archive := leat.Read[string](p, "archive", memory.Of("old"))
	today := leat.Read[string](p, "today", memory.Of("new"))
	show(p, leat.Flatten(archive, today))
	// Output:
	// new
	// old
}

func ExampleKeyBy() {
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	byItem := leat.KeyBy(in, "by-item", field.Of(func(o *Order) *string { return &o.Item }))
	show(p, leat.Map(byItem, "print", func(kv leat.KV[string, Order]) string { return kv.Key + " for " + kv.Value.Customer }))
	// Output:
	// ink for ann
	// ink for bob
	// pad for ann
	// pen for ann
}

// A key of several fields is a struct. Both fields are columns: no function runs
// for each row.
func ExampleKeyBy_fields() {
	type pair struct{ Customer, Item string }
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	byPair := leat.KeyBy(in, "by-pair", field.Into(func(o *Order, k *pair) []field.Term {
		return []field.Term{field.Copy(&k.Customer, &o.Customer), field.Copy(&k.Item, &o.Item)}
	}))
	show(p, leat.Keys(byPair))
	// Output:
	// {ann ink}
	// {ann pad}
	// {ann pen}
	// {bob ink}
}

func ExampleKeys() {
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	byLength := leat.KeyBy(in, "by-length", field.Func(func(o Order) int { return len(o.Customer + o.Item) }))
	show(p, leat.Distinct(leat.Keys(byLength), "lengths"))
	// Output:
	// 6
}

// bill is what a customer has spent in a window.
type bill struct {
	Customer string
	Until    time.Time
	Orders   int64
	Total    float64
}

func (b bill) String() string {
	return fmt.Sprintf("%s until %s: %d orders, %g", b.Customer, b.Until.Format("15:04"), b.Orders, b.Total)
}

func ExampleCombine() {
	p := &leat.Pipeline{}
	in := leat.Read(p, "orders", orders, leat.EventTimeField(func(o *Order) *time.Time { return &o.At }, watermark.Disorder(time.Minute)))
	byCustomer := leat.KeyBy(in, "by-customer", field.Of(func(o *Order) *string { return &o.Customer }))
	hourly := leat.Window(byCustomer, window.Fixed(time.Hour))
	bills := leat.Combine(hourly, "bills", agg.Into(func(o *Order, b *bill) []agg.Term {
		return []agg.Term{agg.Key(&b.Customer), agg.WindowEnd(&b.Until), agg.Count(&b.Orders), agg.Sum(&b.Total, &o.Price)}
	}))
	show(p, leat.Values(bills))
	// Output:
	// ann until 13:00: 3 orders, 13
	// bob until 13:00: 1 orders, 7
}

// A group of columns for each of several names: ink_orders, ink_total,
// pen_orders and pen_total.
func ExampleColumns() {
	type stats struct {
		Orders int64   `leat:"orders"`
		Total  float64 `leat:"total"`
	}
	type profile struct {
		Items leat.Columns[stats] `leat:"item"`
	}
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	byCustomer := leat.KeyBy(in, "by-customer", field.Of(func(o *Order) *string { return &o.Customer }))
	profiles := leat.Combine(byCustomer, "profile", agg.Into(func(o *Order, p *profile) []agg.Term {
		var terms []agg.Term
		for _, item := range []string{"ink", "pen"} {
			s := p.Items.At(item)
			terms = append(terms, agg.Where(field.Equal(&o.Item, item), agg.Count(&s.Orders), agg.Sum(&s.Total, &o.Price)))
		}
		return terms
	}))
	show(p, leat.Map(profiles, "print", func(kv leat.KV[string, profile]) string {
		return fmt.Sprintf("%s: %g for ink, %g for pens", kv.Key, kv.Value.Items.At("ink").Total, kv.Value.Items.At("pen").Total)
	}))
	// Output:
	// ann: 7 for ink, 2 for pens
	// bob: 7 for ink, 0 for pens
}

func ExampleValues() {
	p := &leat.Pipeline{}
	words := leat.Read[string](p, "words", memory.Of("a", "b", "a"))
	byWord := leat.KeyBy(words, "by-word", field.Of(func(w *string) *string { return w }))
	counts := leat.Combine(byWord, "count", agg.Into(func(_ *string, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} }))
	show(p, leat.Values(counts))
	// Output:
	// 1
	// 2
}

// Sliding windows overlap: each order counts in two of them.
func ExampleWindow() {
	p := &leat.Pipeline{}
	in := leat.Read(p, "orders", orders, leat.EventTimeField(func(o *Order) *time.Time { return &o.At }, watermark.Disorder(time.Minute)))
	all := leat.KeyBy(in, "all", field.Func(func(Order) bool { return true }))
	recent := leat.Window(all, window.Sliding(10*time.Minute, 5*time.Minute))
	sales := leat.Combine(recent, "sales", agg.Into(func(o *Order, b *bill) []agg.Term {
		return []agg.Term{agg.First(&b.Customer, &o.Customer), agg.WindowEnd(&b.Until), agg.Count(&b.Orders), agg.Sum(&b.Total, &o.Price)}
	}))
	show(p, leat.Map(leat.Values(sales), "print", func(b bill) string {
		return fmt.Sprintf("until %s: %d orders, %g", b.Until.Format("15:04"), b.Orders, b.Total)
	}))
	// Output:
	// until 12:05: 2 orders, 9
	// until 12:10: 3 orders, 16
	// until 12:15: 2 orders, 11
	// until 12:20: 1 orders, 4
}

func ExampleGroupByKey() {
	p := &leat.Pipeline{}
	in := leat.Read(p, "orders", orders, leat.EventTimeField(func(o *Order) *time.Time { return &o.At }, watermark.Disorder(time.Minute)))
	byCustomer := leat.KeyBy(in, "by-customer", field.Of(func(o *Order) *string { return &o.Customer }))
	visits := leat.GroupByKey(leat.Window(byCustomer, window.Session(6*time.Minute)), "visits")
	show(p, leat.Map(visits, "basket", func(kv leat.KV[string, iter.Seq[Order]]) string {
		var items []string
		for o := range kv.Value { // in the order of event time
			items = append(items, o.Item)
		}
		return kv.Key + ": " + strings.Join(items, ", ")
	}))
	// Output:
	// ann: pad
	// ann: pen, ink
	// bob: ink
}

func ExampleDistinct() {
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	customers := leat.Map(in, "customer", func(o Order) string { return o.Customer })
	show(p, leat.Distinct(customers, "once"))
	// Output:
	// ann
	// bob
}

func ExampleWrite() {
	p := &leat.Pipeline{}
	in := leat.Read[string](p, "words", memory.Of("leat", "mill"))
	var out memory.Collector[string] // elsewhere: parquet.Sink, json.Sink, text.Sink
	leat.Write(in, "out", &out)
	if _, err := local.Run(context.Background(), p, local.Options{Parallelism: 1}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(out.Rows())
	// Output:
	// [leat mill]
}

// A composite is a function; Scope lets it be used twice.
func ExampleScope() {
	spent := func(in leat.PCollection[Order]) leat.PCollection[leat.KV[string, float64]] {
		byCustomer := leat.KeyBy(in, "by-customer", field.Of(func(o *Order) *string { return &o.Customer }))
		return leat.Combine(byCustomer, "sum", agg.Into(func(o *Order, sum *float64) []agg.Term {
			return []agg.Term{agg.Sum(sum, &o.Price)}
		}))
	}
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	ink := leat.Where(in, "ink", func(o *Order) field.Cond { return field.Equal(&o.Item, "ink") })
	all := leat.Scope(in, "all", spent)
	onInk := leat.Scope(ink, "on-ink", spent) // steps on-ink/by-customer and on-ink/sum
	show(p, leat.Flatten(all, onInk))
	// Output:
	// {ann 13}
	// {ann 7}
	// {bob 7}
	// {bob 7}
}

// The event time may be computed. It decides the windows a row is in.
func ExampleEventTime() {
	p := &leat.Pipeline{}
	lines := leat.Read(p, "lines", memory.Of("09:58 bob", "10:01 ann", "10:02 bob"), leat.EventTime(func(line string) time.Time {
		at, _ := time.Parse("15:04", line[:5])
		return at
	}, watermark.Disorder(time.Minute)))
	names := leat.Map(lines, "name", func(line string) string { return line[6:] })
	byName := leat.KeyBy(names, "by-name", field.Of(func(n *string) *string { return n }))
	counts := leat.Combine(leat.Window(byName, window.Fixed(time.Hour)), "count", agg.Into(func(_ *string, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} }))
	show(p, counts)
	// Output:
	// {ann 1}
	// {bob 1}
	// {bob 1}
}

func ExampleEventTimeField() {
	p := &leat.Pipeline{}
	in := leat.Read(p, "orders", orders,
		leat.EventTimeField(func(o *Order) *time.Time { return &o.At }, watermark.Disorder(time.Minute)))
	latest := leat.Combine(leat.KeyBy(in, "by-customer", field.Of(func(o *Order) *string { return &o.Customer })), "latest",
		agg.Into(func(o *Order, item *string) []agg.Term { return []agg.Term{agg.Last(item, &o.Item)} }))
	show(p, latest)
	// Output:
	// {ann pad}
	// {bob ink}
}

// tooEarly is before the first time a column can hold, so a row with it is bad.
var tooEarly = time.Date(-290_000, 1, 1, 0, 0, 0, 0, time.UTC)

func ExampleSkipBad() {
	p := &leat.Pipeline{}
	times := leat.Read(p, "times", memory.Of(minute(3), tooEarly, minute(4)), leat.SkipBad[time.Time]())
	show(p, leat.Map(times, "print", func(t time.Time) string { return t.Format("15:04") }))
	// Output:
	// 12:03
	// 12:04
}

func ExampleBadTo() {
	p := &leat.Pipeline{}
	var bad leat.PCollection[leat.BadRecord]
	times := leat.Read(p, "times", memory.Of(minute(3), tooEarly), leat.BadTo[time.Time](&bad))
	good := leat.Map(times, "print", func(t time.Time) string { return t.Format("15:04") })
	places := leat.Map(bad, "place", func(b leat.BadRecord) string { return "bad: " + b.Place })
	show(p, leat.Flatten(good, places))
	// Output:
	// 12:03
	// bad: row 1 in memory
}

// Price is what an item costs from a moment on.
type Price struct {
	Item string    `leat:"item"`
	Cost float64   `leat:"cost"`
	From time.Time `leat:"from"`
}

// sides are orders and prices by item.
func sides(p *leat.Pipeline) (byItem leat.PCollection[leat.KV[string, Order]], costs leat.PCollection[leat.KV[string, Price]]) {
	in := leat.Read(p, "orders", orders, leat.EventTimeField(func(o *Order) *time.Time { return &o.At }, watermark.Disorder(time.Minute)))
	list := memory.Of(Price{"pen", 1, minute(0)}, Price{"ink", 5, minute(2)}, Price{"ink", 6, minute(5)}, Price{"cup", 9, minute(3)})
	prices := leat.Read(p, "prices", list, leat.EventTimeField(func(p *Price) *time.Time { return &p.From }, watermark.Disorder(time.Minute)))
	return leat.KeyBy(in, "by-item", field.Of(func(o *Order) *string { return &o.Item })),
		leat.KeyBy(prices, "cost-by-item", field.Of(func(p *Price) *string { return &p.Item }))
}

func ExampleJoin() {
	p := &leat.Pipeline{}
	byItem, costs := sides(p)
	show(p, leat.Join(byItem, costs, "margins", func(item string, o Order, c Price) string {
		return fmt.Sprintf("%s bought %s for %g, which costs %g", o.Customer, item, o.Price, c.Cost)
	}))
	// Output:
	// ann bought ink for 7, which costs 5
	// ann bought ink for 7, which costs 6
	// ann bought pen for 2, which costs 1
	// bob bought ink for 7, which costs 5
	// bob bought ink for 7, which costs 6
}

// Orders of a price list that nobody has on offer.
func ExampleLeftJoin() {
	p := &leat.Pipeline{}
	byItem, costs := sides(p)
	lines := leat.LeftJoin(byItem, costs, "costs", func(item string, o Order, c *Price) string {
		if c == nil {
			return item + " costs nobody knows what"
		}
		return item
	})
	show(p, leat.Filter(lines, "unknown", func(s string) bool { return strings.Contains(s, "nobody") }))
	// Output:
	// pad costs nobody knows what
}

func ExampleFullJoin() {
	p := &leat.Pipeline{}
	byItem, costs := sides(p)
	show(p, leat.Distinct(leat.FullJoin(byItem, costs, "both", func(item string, o *Order, c *Price) string {
		switch {
		case o == nil:
			return item + ": never ordered"
		case c == nil:
			return item + ": no price"
		}
		return item + ": fine"
	}), "once"))
	// Output:
	// cup: never ordered
	// ink: fine
	// pad: no price
	// pen: fine
}

// All orders and all prices of an item in each quarter of an hour.
func ExampleCoGroup() {
	p := &leat.Pipeline{}
	byItem, costs := sides(p)
	quarter := window.Fixed(15 * time.Minute)
	show(p, leat.CoGroup(leat.Window(byItem, quarter), leat.Window(costs, quarter), "both", func(item string, orders iter.Seq[Order], prices iter.Seq[Price]) string {
		var customers []string
		for o := range orders {
			customers = append(customers, o.Customer)
		}
		return fmt.Sprintf("%s: bought by %v, %d prices", item, customers, len(slices.Collect(prices)))
	}))
	// Output:
	// cup: bought by [], 1 prices
	// ink: bought by [bob ann], 2 prices
	// pad: bought by [ann], 0 prices
	// pen: bought by [ann], 1 prices
}

// Each order with the price at its moment.
func ExampleAsOf() {
	p := &leat.Pipeline{}
	byItem, costs := sides(p)
	show(p, leat.AsOf(byItem, costs, "margins", func(item string, o Order, c *Price) string {
		if c == nil {
			return fmt.Sprintf("%s: %s", o.Customer, item)
		}
		return fmt.Sprintf("%s: %s, margin %g", o.Customer, item, o.Price-c.Cost)
	}))
	// Output:
	// ann: ink, margin 1
	// ann: pad
	// ann: pen, margin 1
	// bob: ink, margin 2
}

// What an item cost within the hour before its order.
func ExampleIntervalJoin() {
	p := &leat.Pipeline{}
	byItem, costs := sides(p)
	show(p, leat.IntervalJoin(byItem, costs, "costs", -time.Hour, 0, func(item string, o Order, c Price) string {
		return fmt.Sprintf("%s: %s for %g", o.Customer, item, c.Cost)
	}))
	// Output:
	// ann: ink for 5
	// ann: ink for 6
	// ann: pen for 1
	// bob: ink for 5
}

func ExampleMapWith() {
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	rates := leat.Read[leat.KV[string, float64]](p, "rates", memory.Of(leat.KV[string, float64]{"ann", 0.5}, leat.KV[string, float64]{"bob", 1}))
	show(p, leat.MapWith(in, leat.AsMap(rates), "discount", func(o Order, rate map[string]float64) string {
		return fmt.Sprintf("%s pays %g for %s", o.Customer, o.Price*rate[o.Customer], o.Item)
	}))
	// Output:
	// ann pays 1 for pen
	// ann pays 2 for pad
	// ann pays 3.5 for ink
	// bob pays 7 for ink
}

// Orders above the mean price of their hour.
func ExampleFilterWith() {
	p := &leat.Pipeline{}
	in := leat.Read(p, "orders", orders, leat.EventTimeField(func(o *Order) *time.Time { return &o.At }, watermark.Disorder(time.Minute)))
	hourly := leat.Window(in, window.Fixed(time.Hour))
	all := leat.KeyBy(hourly, "all", field.Func(func(Order) bool { return true }))
	mean := leat.Values(leat.Combine(all, "mean", agg.Into(func(o *Order, mean *float64) []agg.Term { return []agg.Term{agg.Mean(mean, &o.Price)} })))
	dear := leat.FilterWith(hourly, leat.AsSingleton(mean), "dear", func(o Order, mean float64) bool { return o.Price > mean })
	show(p, leat.Map(dear, "name", func(o Order) string { return o.Customer + " " + o.Item }))
	// Output:
	// ann ink
	// bob ink
}

// offers proposes to each customer what is on the list and was not bought.
type offers struct {
	List leat.Side[[]Price]
}

func (d *offers) Process(_ *leat.Context, o Order, emit leat.Emit[string]) error {
	for _, p := range d.List.Get() {
		if p.Item != o.Item {
			emit(fmt.Sprintf("%s, take a %s for %g", o.Customer, p.Item, p.Cost))
		}
	}
	return nil
}

func ExampleSide() {
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", memory.Of(Order{Customer: "ann", Item: "pen"}))
	list := leat.Read[Price](p, "list", memory.Of(Price{Item: "pen", Cost: 2}, Price{Item: "cup", Cost: 9}, Price{Item: "ink", Cost: 7}))
	show(p, leat.ParDo(in, "offer", &offers{List: leat.AsList(list)}))
	// Output:
	// ann, take a cup for 9
	// ann, take a ink for 7
}

func ExamplePartition() {
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	halves := leat.Partition(in, "by-price", 2, func(o Order) int {
		if o.Price < 5 {
			return 0
		}
		return 1
	})
	cheap, dear := halves[0], halves[1]
	show(p, leat.Flatten(
		leat.Map(cheap, "cheap", func(o Order) string { return "cheap: " + o.Item }),
		leat.Map(dear, "dear", func(o Order) string { return "dear: " + o.Item })))
	// Output:
	// cheap: pad
	// cheap: pen
	// dear: ink
	// dear: ink
}

func ExampleReshuffle() {
	p := &leat.Pipeline{}
	seeds := leat.Read[int](p, "seeds", memory.Of(10)) // one row, read by one task
	many := leat.FlatMap(seeds, "many", func(n int) iter.Seq[int] {
		return func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		}
	})
	squares := leat.Map(leat.Reshuffle(many), "square", func(i int) int { return i * i }) // by all tasks
	show(p, leat.Filter(squares, "small", func(i int) bool { return i < 10 }))
	// Output:
	// 0
	// 1
	// 4
	// 9
}

func ExampleCombineGlobally() {
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	show(p, leat.CombineGlobally(in, "spent", agg.Into(func(o *Order, sum *float64) []agg.Term {
		return []agg.Term{agg.Sum(sum, &o.Price)}
	})))
	// Output:
	// 20
}

// basket puts out what a customer has bought when five minutes have gone by without
// another order.
type basket struct {
	state.TimeSorted // whether five minutes have gone by depends on the order of rows
	Customer         state.Key[string]
	Items            state.List[string]
	Idle             state.EventTimer
}

func (b *basket) Process(c *leat.Context, in leat.KV[string, Order], _ leat.Emit[string]) error {
	b.Items.Append(in.Value.Item)
	b.Idle.Set(c.Time().Add(5*time.Minute + time.Second)) // in place of what it was set to
	return nil
}

func (b *basket) OnTimer(c *leat.Context, emit leat.Emit[string]) error {
	emit(fmt.Sprintf("%s %s %v", c.Time().Format(time.TimeOnly), b.Customer.Get(), b.Items.Read()))
	b.Items.Clear()
	return nil
}

// State and timers are fields of the function; they stand for the key and the window
// of the row.
func ExampleParDo_state() {
	p := &leat.Pipeline{}
	in := leat.Read(p, "orders", orders, leat.EventTimeField(func(o *Order) *time.Time { return &o.At }, watermark.Disorder(time.Minute)))
	byCustomer := leat.KeyBy(in, "by-customer", field.Of(func(o *Order) *string { return &o.Customer }))
	show(p, leat.ParDo(byCustomer, "basket", &basket{}))
	// Output:
	// 12:09:01 bob [ink]
	// 12:10:01 ann [pen ink]
	// 12:16:01 ann [pad]
}
