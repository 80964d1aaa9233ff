package pointintime_test

import (
	"slices"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/transforms/pointintime"
)

// Rows that are a single value are joined like others: the row is the key, and the
// result is the row.
func TestScalars(t *testing.T) {
	p := &leat.Pipeline{}
	// The event time of a word is its length in seconds; all are asked for at 3.
	words := leat.Read(p, "words", memory.Of("a", "bb", "a", "ccc"), leat.EventTime(func(w string) time.Time { return time.Unix(int64(len(w)), 0) }, watermark.Disorder(0)))
	asked := leat.Read(p, "asked", memory.Of("ccc", "a", "bb"), leat.EventTime(func(w string) time.Time { return time.Unix(3, 0) }, watermark.Disorder(0)))
	counts := pointintime.Join(asked, "counts", func(w *string, n *int64) []pointintime.Term {
		return []pointintime.Term{pointintime.From(words, func(known *string) pointintime.Lookup {
			return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(w, known)}, Within: 2 * time.Second, Get: []agg.Term{agg.Count(n)}}
		})}
	})
	var out memory.Collector[int64]
	leat.Write(counts, "out", &out)
	if _, err := local.Run(t.Context(), p, local.Options{Parallelism: 3}); err != nil {
		t.Fatal(err)
	}
	if got, want := out.Rows(), []int64{0, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
