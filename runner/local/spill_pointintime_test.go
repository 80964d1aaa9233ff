package local_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/transforms/pointintime"
)

// answered is what was known of a visit.
type answered struct {
	N     int64   `leat:"n"`
	Short int64   `leat:"short"`
	Sum   int64   `leat:"sum"`
	Max   *int64  `leat:"max"` // read off a tree or levels
	Last  *int64  `leat:"last"`
	Last3 []int64 `leat:"last3"`
	Kinds []int64 `leat:"kinds"` // only merged
	User  int64   `leat:"user"`  // by a text
}

// lookedUp looks visits up by number and by text, over windows of two lengths.
func lookedUp(spine, rows leat.PCollection[visit], long time.Duration) leat.PCollection[answered] {
	return pointintime.Join(spine, "known", func(q *visit, o *answered) []pointintime.Term {
		key := func(v *visit) []pointintime.Pair { return []pointintime.Pair{pointintime.Equal(&q.Key, &v.Key)} }
		return []pointintime.Term{
			pointintime.Copy(&o.N, &q.N),
			pointintime.From(rows, func(v *visit) pointintime.Lookup {
				return pointintime.Lookup{On: key(v), Within: long, Get: []agg.Term{agg.Sum(&o.Sum, &v.N), agg.Max(o.Max, &v.N), agg.Last(o.Last, &v.N)}}
			}),
			pointintime.From(rows, func(v *visit) pointintime.Lookup {
				return pointintime.Lookup{On: key(v), Within: time.Millisecond, Get: []agg.Term{agg.Count(&o.Short), agg.LastN(&o.Last3, &v.N, 3), agg.CollectSet(&o.Kinds, &v.N)}}
			}),
			pointintime.From(rows, func(v *visit) pointintime.Lookup {
				return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&q.User, &v.User)}, Within: long, Get: []agg.Term{agg.Count(&o.User)}}
			}),
		}
	})
}

// summary is what was known of a visit, in few bytes.
type summary struct {
	N    int64  `leat:"n"`
	Sum  int64  `leat:"sum"`
	Max  *int64 `leat:"max"`
	Last *int64 `leat:"last"`
	User int64  `leat:"user"`
}

// summed looks visits up by number and by text.
func summed(spine, rows leat.PCollection[visit], within time.Duration) leat.PCollection[summary] {
	return pointintime.Join(spine, "known", func(q *visit, o *summary) []pointintime.Term {
		return []pointintime.Term{
			pointintime.Copy(&o.N, &q.N),
			pointintime.From(rows, func(v *visit) pointintime.Lookup {
				on := []pointintime.Pair{pointintime.Equal(&q.Key, &v.Key)}
				return pointintime.Lookup{On: on, Within: within, Get: []agg.Term{agg.Sum(&o.Sum, &v.N), agg.Max(o.Max, &v.N), agg.Last(o.Last, &v.N)}}
			}),
			pointintime.From(rows, func(v *visit) pointintime.Lookup {
				return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&q.User, &v.User)}, Within: within, Get: []agg.Term{agg.Count(&o.User)}}
			}),
		}
	})
}

// lookUp runs lookedUp over visits, read twice or once.
func lookUp(t *testing.T, v visits, long time.Duration, once bool, o local.Options) (*digest, *local.Result, error) {
	t.Helper()
	o.SpillDir = t.TempDir()
	p := &leat.Pipeline{}
	spine := readVisits(p, v)
	rows := spine
	if !once {
		rows = readVisitsAs(p, "rows", v)
	}
	out := &digest{}
	leat.Write(lookedUp(spine, rows, long), "out", out)
	r, err := local.Run(t.Context(), p, o)
	if left, e := os.ReadDir(o.SpillDir); e != nil || len(left) > 0 {
		t.Errorf("%v is left in the spill directory: %v", left, e)
	}
	return out, r, err
}

// Lookups over more rows than memory holds, of many keys and of one that has nine
// of ten, give the rows that they give in memory, in the same order.
func TestLookupsBeyondMemory(t *testing.T) {
	spilled, runs := 0, 0
	for _, v := range []visits{
		{rows: 20_000, keys: 1 << 40, splits: 5},
		{rows: 20_000, keys: 40, splits: 3},
		{rows: 10_000, keys: 5000, skewed: true, splits: 7},
	} {
		for _, tasks := range spillingTasks() {
			for _, once := range []bool{false, true} {
				o := local.Options{Parallelism: tasks, BatchRows: 300}
				want, free, err := lookUp(t, v, 3*time.Millisecond, once, o)
				if err != nil || free.Spilled > 0 {
					t.Fatal(free, err)
				}
				for _, part := range []int64{2, 6} {
					o.Memory = free.PeakMemory / part
					got, r, err := lookUp(t, v, 3*time.Millisecond, once, o)
					if err != nil {
						t.Fatalf("%+v, %d tasks, budget %d: %v", v, tasks, o.Memory, err)
					}
					runs++
					if r.Spilled > 0 {
						spilled++
					}
					if got.rows != v.rows || got.set != want.set || !maps.Equal(got.ordered, want.ordered) {
						t.Errorf("%+v, %d tasks, read once %v, budget %d: %d rows %x in order %x, want %x in order %x; %d bytes spilled",
							v, tasks, once, o.Memory, got.rows, got.set, got.ordered, want.set, want.ordered, r.Spilled)
					}
				}
			}
		}
	}
	if 5*spilled < 2*runs { // what a run takes varies with its timing
		t.Errorf("only %d of %d runs spilled", spilled, runs)
	}
}

// A key whose longest window does not fit is an error that names step and key and
// says what to do.
func TestWindowBeyondMemory(t *testing.T) {
	_, _, err := lookUp(t, visits{rows: 200_000, keys: 50_000, skewed: true, splits: 4}, time.Hour, false, local.Options{Parallelism: 2, Memory: 3 << 20})
	for _, want := range []string{`step "known"`, "7 alone has ", "window of 1h0m0s", "-memory", "smaller windows"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the message does not say %s: %v", want, err)
		}
	}
}

// A disk that is full, wherever in the passes that is, is an error that says so;
// nothing is left of the run.
func TestLookupsDiskFull(t *testing.T) {
	failed := 0
	for room := int64(1000); ; room = room*2 + 777 {
		disk := &smallDisk{}
		disk.room.Store(room)
		o := local.Options{Parallelism: 2, Memory: 1 << 20, SpillDir: t.TempDir()}.WithSpillFS(disk)
		dir := filepath.Join(t.TempDir(), "out")
		p := &leat.Pipeline{}
		v := visits{rows: 40_000, keys: 500, splits: 3}
		leat.Write(lookedUp(readVisits(p, v), readVisitsAs(p, "rows", v), time.Millisecond), "out", json.Sink{Dir: dir})
		_, err := local.Run(t.Context(), p, o)
		if left, e := os.ReadDir(o.SpillDir); e != nil || len(left) > 0 {
			t.Errorf("%v is left in the spill directory: %v", left, e)
		}
		if err == nil {
			break
		}
		nothingIn(t, dir)
		failed++
		for _, want := range []string{"spill directory", "no space left on device", "-spill", "-memory"} {
			if !strings.Contains(err.Error(), want) {
				t.Fatalf("with room for %d bytes the message does not say %s: %v", room, want, err)
			}
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("the cause is lost: %v", err)
		}
	}
	if failed < 5 {
		t.Errorf("only %d runs met a full disk", failed)
	}
}

// A run that fails in one task while others wait for it ends.
func TestLookupsFailInOneTask(t *testing.T) {
	p := &leat.Pipeline{}
	v := visits{rows: 40_000, keys: 500, splits: 4}
	spine := leat.Map(readVisits(p, v), "fail", func(v visit) visit {
		if v.At.UnixMicro() == 39_000 {
			panic("the last rows")
		}
		return v
	})
	var out digest
	leat.Write(lookedUp(spine, readVisitsAs(p, "rows", v), time.Millisecond), "out", &out)
	_, err := local.Run(t.Context(), p, local.Options{Parallelism: 4, Memory: 1 << 20, SpillDir: t.TempDir()})
	if err == nil || !strings.Contains(fmt.Sprint(err), "the last rows") {
		t.Errorf("it ended with %v", err)
	}
}
