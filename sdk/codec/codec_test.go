package codec

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
)

// Any value of any type that has a plan comes back from columns as it was, in
// any selection of rows, from plain strings and from dictionaries; the columns
// are valid and equal to those of what came back.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := drawType(t, 3, true)
		plan, err := PlanOf(typ)
		if err != nil {
			t.Fatal(err)
		}
		n := rapid.IntRange(0, 12).Draw(t, "rows")
		rows := reflect.MakeSlice(reflect.SliceOf(typ), n, n)
		v := newVector(plan.root)
		for i := range n {
			drawValue(t, rows.Index(i))
		}
		first := rapid.IntRange(0, n).Draw(t, "first append")
		for _, part := range []reflect.Value{rows.Slice(0, first), rows.Slice(first, n)} {
			if err := encodeAny(plan, part, v); err != nil {
				t.Fatal(err)
			}
		}
		c := v.finish()
		if err := batch.Validate(c); err != nil {
			t.Fatalf("%s: %v", typ, err)
		}
		if c.Len != n || !c.Type.Equal(plan.Type()) {
			t.Fatalf("%d rows of %s, want %d of %s", c.Len, c.Type, n, plan.Type())
		}
		var selection []int32
		if n > 0 {
			selection = rapid.SliceOfN(rapid.Int32Range(0, int32(n-1)), 0, 2*n).Draw(t, "selection")
		}
		if rapid.Bool().Draw(t, "run") { // a part of the rows, in order
			selection = nil
			for r := rapid.IntRange(0, n).Draw(t, "run from"); r < n; r++ {
				selection = append(selection, int32(r))
			}
		}
		for _, input := range []*batch.Column{c, dictionaries(c)} {
			all, err := decodeAny(plan, input, nil, n)
			if err != nil {
				t.Fatal(err)
			}
			some, err := decodeAny(plan, input, selection, len(selection))
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				same(t, "all", all.Index(i), rows.Index(i))
			}
			for i, r := range selection {
				same(t, "selection", some.Index(i), rows.Index(int(r)))
			}
		}
	})
}

func same(t *rapid.T, what string, got, want reflect.Value) {
	if !reflect.DeepEqual(got.Interface(), want.Interface()) {
		t.Fatalf("%s: %s came back as %+v, was %+v", what, want.Type(), got, want)
	}
}

// A reused encoder starts empty, and what it handed out before stays as it was.
func TestEncoderHandsItsVectorsOver(t *testing.T) {
	c, err := For[[]string]()
	if err != nil {
		t.Fatal(err)
	}
	e := c.NewEncoder()
	if got := e.Finish(); got.Len != 0 || batch.Validate(got) != nil {
		t.Fatalf("an empty encoder gave %d rows, %v", got.Len, batch.Validate(got))
	}
	appendRows(t, e, [][]string{{"a", "b"}, nil})
	if e.Len() != 2 || e.SizeBytes() != 4*3+4*3+2 {
		t.Fatalf("%d rows, %d bytes", e.Len(), e.SizeBytes())
	}
	one := e.Finish()
	appendRows(t, e, [][]string{{"c"}, {"d"}})
	two := e.Finish()
	if got := one.Format(0) + one.Format(1) + two.Format(0) + two.Format(1); got != `["a", "b"][]["c"]["d"]` || e.Len() != 0 {
		t.Fatalf("got %s, %d rows left", got, e.Len())
	}
}

func appendRows[T any](t *testing.T, e *Encoder[T], rows []T) {
	t.Helper()
	if err := e.Append(rows); err != nil {
		t.Fatal(err)
	}
}

type visit struct {
	ID    int8              `leat:"id"`
	Name  airport           `leat:"name"`
	At    time.Time         `leat:"at"`
	Score *float64          `leat:"score"`
	Tags  []string          `leat:"tags"`
	Attrs map[string]uint16 `leat:"attrs"`
	Raw   []byte            `leat:"raw"`
	Route struct {
		Origin string `leat:"origin"`
		Gate   *int32 `leat:"gate"`
	} `leat:"route"`
	cache int `leat:"-"`
}

// A failed Append leaves the rows before it and nothing of its own.
func TestFailedAppendAddsNothing(t *testing.T) {
	c, err := For[visit]()
	if err != nil {
		t.Fatal(err)
	}
	e := c.NewEncoder()
	gate := int32(7)
	good := visit{ID: 1, Name: "ATL", At: time.UnixMicro(5).UTC(), Tags: []string{"x", "y"}, Attrs: map[string]uint16{"k": 1}}
	good.Route.Gate = &gate
	appendRows(t, e, []visit{good})
	bad := good
	bad.At = time.UnixMicro(batch.MaxTime).Add(time.Second)
	err = e.Append([]visit{good, bad})
	want := "column at: codec.visit.At is the time 75039-04-04 19:00:14.693951 "
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "outside the range of event time, years -71100 to 75039") {
		t.Fatalf("got %v", err)
	}
	good.Route.Gate = nil
	appendRows(t, e, []visit{good})
	col := e.Finish()
	if err := batch.Validate(col); err != nil {
		t.Fatal(err)
	}
	line := `{id: 1, name: "ATL", at: 1970-01-01T00:00:00.000005Z, score: null, tags: ["x", "y"], attrs: {"k": 1}, raw: 0x, route: {origin: "", gate: %s}}`
	if got, want := col.Format(0)+col.Format(1), fmt.Sprintf(line+line, "7", "null"); col.Len != 2 || got != want {
		t.Fatalf("%d rows\ngot  %s\nwant %s", col.Len, got, want)
	}
}

// Times up to the bounds are encoded to the microsecond, those beyond are refused,
// however far they are.
func TestBoundsOfTime(t *testing.T) {
	c, err := For[visit]()
	if err != nil {
		t.Fatal(err)
	}
	for _, us := range []int64{batch.MinTime, batch.MinTime + 1, -1, 0, batch.MaxTime - 1, batch.MaxTime} {
		e := c.NewEncoder()
		appendRows(t, e, []visit{{At: time.UnixMicro(us).Add(999)}})
		if got := e.Finish().Children[c.Type().Index("at")].Ints[0]; got != us {
			t.Errorf("%d became %d", us, got)
		}
	}
	for _, at := range []time.Time{time.UnixMicro(batch.MinTime - 1), time.UnixMicro(batch.MaxTime + 1), time.Unix(1<<62, 0), time.Unix(-1<<62, 0)} {
		if err := c.NewEncoder().Append([]visit{{At: at}}); err == nil {
			t.Errorf("%s was encoded", at)
		}
	}
}

// Rows that are decoded into again show nothing of the row before: fields whose
// column was not read are zero, and so are fields that are no column.
func TestDecodeResetsEveryField(t *testing.T) {
	c, err := For[visit]()
	if err != nil {
		t.Fatal(err)
	}
	var full visit
	Fill(reflect.ValueOf(&full).Elem(), 1)
	e := c.NewEncoder()
	appendRows(t, e, []visit{{}, full})
	col := e.Finish()
	dst := []visit{full, full}
	dst[0].cache = 9
	if err := c.Decode(col, nil, dst); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(dst[0], visit{At: dst[0].At}) || !dst[0].At.IsZero() || dst[0].cache != 0 {
		t.Fatalf("an empty row came back as %+v", dst[0])
	}
	cut := *col
	cut.Children = make([]*batch.Column, len(col.Children))
	cut.Children[1] = col.Children[1]
	if err := c.Decode(&cut, []int32{1}, dst[:1]); err != nil {
		t.Fatal(err)
	}
	if want := (visit{Name: full.Name}); !reflect.DeepEqual(dst[0], want) {
		t.Fatalf("with only name read got %+v", dst[0])
	}
	if err := c.Decode(nil, nil, dst[:1]); err != nil || !reflect.DeepEqual(dst[0], visit{}) {
		t.Fatalf("with nothing read got %+v, %v", dst[0], err)
	}
}

// What a row cannot hold is an error that names column, row and field and says
// what to do.
func TestDecodeErrors(t *testing.T) {
	c, err := For[visit]()
	if err != nil {
		t.Fatal(err)
	}
	full := visit{At: time.Now()}
	e := c.NewEncoder()
	appendRows(t, e, []visit{full, full, full, full})
	with := func(change func(*batch.Column)) *batch.Column {
		c := e.Finish()
		appendRows(t, e, []visit{full, full, full, full})
		change(c)
		return c
	}
	for want, col := range map[string]*batch.Column{
		"column name, row 2: null, but codec.visit.Name is codec.airport, which has no null; make it *codec.airport": with(func(c *batch.Column) { c.Children[1].Valid = batch.Bitmap{0b1011} }),
		"column id, row 3: 200 does not fit codec.visit.ID, which is int8; use a wider type":                         with(func(c *batch.Column) { c.Children[0].Ints[3] = 200 }),
		"column route.origin, row 0: null, but codec.visit.Route.Origin is string":                                   with(func(c *batch.Column) { c.Children[7].Children[0].Valid = batch.Bitmap{0b1110} }),
		"column route, row 1: null": with(func(c *batch.Column) { c.Children[7].Valid = batch.Bitmap{0b1101} }),
		"column at is int64, but codec.visit.At is time.Time and needs time": with(func(c *batch.Column) {
			c.Children[2] = batch.NewInts(&batch.Type{Kind: batch.Int64}, make([]int64, 4))
		}),
		"codec: column value has 1 children": with(func(c *batch.Column) { c.Children = c.Children[:1] }),
	} {
		err := c.Decode(col, nil, make([]visit, 4))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
		if again := c.Decode(col, []int32{0, 1, 2, 3}, make([]visit, 4)); again == nil || again.Error() != err.Error() {
			t.Errorf("with a selection the error %v is %v", err, again)
		}
	}
	col := e.Finish()
	for want, rows := range map[string][]int32{"row 4 asked of a batch of 4": {0, 4}, "row -1 asked": {-1, 0}, "room for 2 rows, but 1 are listed": {1}} {
		if err := c.Decode(col, rows, make([]visit, 2)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	if err := c.Decode(col, nil, make([]visit, 5)); err == nil {
		t.Error("five rows came out of four")
	}
}

// A row's lists, bytes and pointees are its own: writing to them or appending
// changes neither the column nor another row.
func TestDecodedRowsDoNotShareWhatCanBeWritten(t *testing.T) {
	type row struct {
		List []int64
		Raw  []byte
		P    *int64
	}
	c, err := For[row]()
	if err != nil {
		t.Fatal(err)
	}
	n := int64(5)
	rows := []row{{[]int64{1, 2}, []byte("ab"), &n}, {[]int64{3}, []byte("cd"), &n}}
	e := c.NewEncoder()
	appendRows(t, e, rows)
	col := e.Finish()
	dst := make([]row, 2)
	if err := c.Decode(col, nil, dst); err != nil {
		t.Fatal(err)
	}
	_ = append(dst[0].List, 99)
	_ = append(dst[0].Raw, 'z')
	dst[0].Raw[0], dst[0].List[0], *dst[0].P = 'z', 99, 99
	if !reflect.DeepEqual(dst[1], rows[1]) {
		t.Fatalf("the second row became %+v", dst[1])
	}
	if err := c.Decode(col, nil, dst); err != nil || !reflect.DeepEqual(dst, rows) {
		t.Fatalf("the column changed: %+v, %v", dst, err)
	}
}

// A narrower column fits a wider field, NaN and −0 survive, sub-microseconds are
// cut towards the past.
func TestValuesAtTheEdge(t *testing.T) {
	c, err := For[float64]()
	if err != nil {
		t.Fatal(err)
	}
	e := c.NewEncoder()
	appendRows(t, e, []float64{math.NaN(), math.Copysign(0, -1)})
	floats := make([]float64, 2)
	if err := c.Decode(e.Finish(), nil, floats); err != nil || !math.IsNaN(floats[0]) || !math.Signbit(floats[1]) {
		t.Fatalf("%v, %v", floats, err)
	}
	wide, err := For[int64]()
	if err != nil {
		t.Fatal(err)
	}
	ints := make([]int64, 1)
	if err := wide.Decode(batch.NewInts(&batch.Type{Kind: batch.Int8}, []int64{-3}), nil, ints); err != nil || ints[0] != -3 {
		t.Fatalf("%v, %v", ints, err)
	}
	times, err := For[time.Time]()
	if err != nil {
		t.Fatal(err)
	}
	te := times.NewEncoder()
	appendRows(t, te, []time.Time{time.Unix(0, -1)})
	if col := te.Finish(); col.Ints[0] != -1 {
		t.Fatalf("a nanosecond before the epoch became %d µs", col.Ints[0])
	}
	if _, err := ForPlan[int64](times.Plan()); err == nil || err.Error() != "codec: a plan of time.Time cannot encode int64" {
		t.Fatalf("got %v", err)
	}
}

// More text than 32-bit offsets address is an error before a byte is copied.
func TestTooMuchText(t *testing.T) {
	c, err := For[string]()
	if err != nil {
		t.Fatal(err)
	}
	rows := slices.Repeat([]string{strings.Repeat("x", 8<<20)}, 257) // one string, many times
	e := c.NewEncoder()
	appendRows(t, e, []string{"a"})
	if err := e.Append(rows); err == nil || !strings.Contains(err.Error(), "column value (string): 1 bytes of text and 2155872256 more do not fit one batch") {
		t.Fatalf("got %v", err)
	}
	appendRows(t, e, []string{"b"})
	if col := e.Finish(); col.Len != 2 || col.Text(1) != "b" || batch.Validate(col) != nil {
		t.Fatalf("after the error: %d rows, %v", col.Len, batch.Validate(col))
	}
}
