package pointintime_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/transforms/pointintime"
)

type purchase struct {
	At     time.Time `leat:"at"`
	User   string    `leat:"user"`
	Price  float64   `leat:"price"`
	Weight float64   `leat:"weight"`
}

type floats struct {
	Spend  float64  `leat:"spend"`
	Mean   *float64 `leat:"mean"`
	Weight float64  `leat:"weight"`
	Heavy  *float64 `leat:"heavy"`
}

type features struct {
	At time.Time `leat:"at"`
	leat.Columns[floats]
}

// Twenty float features of each purchase from those before it of the same user,
// from Parquet to Parquet: string keys, ten rows a user.
func BenchmarkFloats(b *testing.B) {
	const rows = 1_000_000
	dir := b.TempDir()
	purchases := make([]purchase, rows)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range purchases {
		purchases[i] = purchase{time.UnixMicro(int64(i) * 10_000_000).UTC(), fmt.Sprintf("user-%07d", r.IntN(rows/10)), float64(r.IntN(100_000)) / 100, r.Float64()}
	}
	p := &leat.Pipeline{}
	leat.Write(leat.Read[purchase](p, "made", memory.Source[purchase]{Rows: purchases, Splits: 2}), "out", parquet.Sink{Dir: filepath.Join(dir, "in")})
	if _, err := local.Run(b.Context(), p, local.Options{Parallelism: 2}); err != nil {
		b.Fatal(err)
	}
	purchases = nil
	for b.Loop() {
		p := &leat.Pipeline{}
		at := leat.EventTimeField(func(p *purchase) *time.Time { return &p.At }, watermark.Disorder(0))
		in := parquet.Source{Path: filepath.Join(dir, "in")}
		spine, known := leat.Read(p, "spine", in, at), leat.Read(p, "known", in, at)
		leat.Write(pointintime.Join(spine, "features", func(s *purchase, o *features) []pointintime.Term {
			terms := []pointintime.Term{pointintime.Copy(&o.At, &s.At)}
			for _, days := range []int{1, 7, 30, 60, 90} {
				f := o.Columns.At(fmt.Sprintf("%dd", days))
				terms = append(terms, pointintime.From(known, func(k *purchase) pointintime.Lookup {
					return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&s.User, &k.User)}, Within: time.Duration(days) * 24 * time.Hour, Get: []agg.Term{
						agg.Sum(&f.Spend, &k.Price), agg.Mean(f.Mean, &k.Price), agg.Sum(&f.Weight, &k.Weight), agg.Mean(f.Heavy, &k.Weight),
					}}
				}))
			}
			return terms
		}), "out", parquet.Sink{Dir: filepath.Join(b.TempDir(), "out")})
		if _, err := local.Run(b.Context(), p, local.Options{Parallelism: 2}); err != nil {
			b.Fatal(err)
		}
	}
}
