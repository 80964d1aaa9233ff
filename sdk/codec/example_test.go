package codec_test

import (
	"fmt"
	"reflect"

	"github.com/leatflow/leat/sdk/codec"
)

// Rows become columns and columns become rows; a pointer is a nullable column.
func Example() {
	type flight struct {
		Origin string `leat:"origin"`
		Delay  *int32 `leat:"delay"`
	}
	c, err := codec.For[flight]()
	if err != nil {
		fmt.Println(err)
		return
	}
	late := int32(7)
	e := c.NewEncoder()
	if err := e.Append([]flight{{"ATL", &late}, {"BOS", nil}}); err != nil {
		fmt.Println(err)
		return
	}
	column := e.Finish()
	fmt.Println(column.Type, column.Format(0), column.Format(1))

	rows := make([]flight, 1)
	if err := c.Decode(column, []int32{1}, rows); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rows[0].Origin, rows[0].Delay == nil)
	// Output:
	// struct{origin string, delay int32?} {origin: "ATL", delay: 7} {origin: "BOS", delay: null}
	// BOS true
}

// A description declares the names of a group of columns by asking for them.
func ExampleColumns() {
	type stats struct {
		Count int64 `leat:"count"`
		Sum   int64 `leat:"sum"`
	}
	type feature struct {
		Origin codec.Columns[stats] `leat:"origin"`
	}
	var f feature
	for _, window := range []string{"1h", "6h"} {
		f.Origin.At(window)
	}
	plan, err := codec.PlanOfSample(reflect.ValueOf(&f).Elem())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, field := range plan.Type().Fields {
		fmt.Println(field.Name, field.Type)
	}
	// Output:
	// origin_count_1h int64
	// origin_sum_1h int64
	// origin_count_6h int64
	// origin_sum_6h int64
}
