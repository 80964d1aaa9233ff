package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// Words are counted over all lines, whatever the plan.
func TestCount(t *testing.T) {
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		p := &leat.Pipeline{}
		lines := leat.Read[string](p, "lines", memory.Source[string]{Rows: []string{"to be or", "", "not to be"}})
		var got memory.Collector[Word]
		leat.Write(Count(lines), "counts", &got)
		if _, err := local.Run(t.Context(), p, local.Options{Plan: plan}); err != nil {
			t.Fatal(err)
		}
		words := got.Rows()
		slices.SortFunc(words, func(a, b Word) int { return strings.Compare(a.Word, b.Word) })
		if want := []Word{{"be", 2}, {"not", 1}, {"or", 1}, {"to", 2}}; !slices.Equal(words, want) {
			t.Errorf("%s plan: got %v, want %v", plan, words, want)
		}
	}
}
