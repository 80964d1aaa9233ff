package plan_test

import (
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/transforms/pointintime"
)

type known struct {
	User   string   `leat:"user"`
	Price  int64    `leat:"price"`
	Dear   int64    `leat:"dear"`
	Zone   int64    `leat:"zone"`
	Recent *float64 `leat:"recent"`
	Gifts  int64    `leat:"gifts"`
}

// lookUp joins a spine with what was known by user (two windows share an index)
// and by user and zone.
func lookUp(spine, rows leat.PCollection[event], name string) leat.PCollection[known] {
	return pointintime.Join(spine, name, func(s *event, o *known) []pointintime.Term {
		user := func(e *event) []pointintime.Pair {
			return []pointintime.Pair{pointintime.Equal(&s.User, &e.User)}
		}
		return []pointintime.Term{
			pointintime.Copy(&o.User, &s.User),
			pointintime.From(rows, func(e *event) pointintime.Lookup {
				return pointintime.Lookup{On: user(e), Within: time.Hour, Get: []agg.Term{agg.Sum(&o.Price, &e.Price), agg.Where(field.AtLeast(&e.Price, 100), agg.Count(&o.Dear))}}
			}),
			pointintime.From(rows, func(e *event) pointintime.Lookup {
				return pointintime.Lookup{On: append(user(e), pointintime.Equal(&s.Place.Zone, &e.Place.Zone)), Within: time.Minute, Get: []agg.Term{agg.Count(&o.Zone)}}
			}),
			pointintime.From(rows, func(e *event) pointintime.Lookup {
				return pointintime.Lookup{On: user(e), Within: 24 * time.Hour, Get: []agg.Term{agg.Mean(o.Recent, e.Score)}}
			}),
			pointintime.From(rows, func(e *event) pointintime.Lookup { // another column of the spine, the same index
				return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&s.Item, &e.User)}, Within: time.Hour, Get: []agg.Term{agg.Count(&o.Gifts)}}
			}),
		}
	})
}

// The spine is read after the indexes are built, in the stage that probes them;
// of both sides only what is needed is read.
func pointInTime(p *leat.Pipeline) {
	spine := leat.Where(readEvents(p, "spine"), "cheap", func(e *event) field.Cond { return field.AtMost(&e.Price, 5) })
	leat.Write(lookUp(spine, readEvents(p, "rows"), "known"), "out", &memory.Collector[known]{})
}

// A collection that is looked up and is the spine as well is read once, and kept
// until the indexes are there.
func pointInTimeOfItself(p *leat.Pipeline) {
	rows := readEvents(p, "events")
	leat.Write(lookUp(rows, rows, "known"), "out", &memory.Collector[known]{})
}

// The output of one join is the spine of another: both probe in the same stage.
func pointInTimeTwice(p *leat.Pipeline) {
	rows := readEvents(p, "rows")
	first := pointintime.Join(readEvents(p, "spine"), "first", func(s *event, o *total) []pointintime.Term {
		return []pointintime.Term{pointintime.Copy(&o.User, &s.User), pointintime.From(rows, func(e *event) pointintime.Lookup {
			return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&s.User, &e.User)}, Within: time.Hour, Get: []agg.Term{agg.Sum(&o.Price, &e.Price)}}
		})}
	})
	second := pointintime.Join(first, "second", func(s, o *total) []pointintime.Term {
		return []pointintime.Term{pointintime.Copy(&o.User, &s.User), pointintime.From(rows, func(e *event) pointintime.Lookup {
			return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&s.User, &e.Item)}, Within: time.Hour, Get: []agg.Term{agg.Count(&o.Price)}}
		})}
	})
	leat.Write(second, "out", &memory.Collector[total]{})
}

// Aggregates are looked up, and are a spine.
func pointInTimeBehindCombine(p *leat.Pipeline) {
	totals := func(name string) leat.PCollection[total] {
		return leat.Values(leat.Combine(byUser(readEvents(p, name), "by-"+name), "sum-"+name, agg.Into(func(e *event, o *total) []agg.Term {
			return []agg.Term{agg.Key(&o.User), agg.Sum(&o.Price, &e.Price)}
		})))
	}
	rows := totals("rows")
	out := pointintime.Join(totals("spine"), "known", func(s, o *total) []pointintime.Term {
		return []pointintime.Term{pointintime.Copy(&o.User, &s.User), pointintime.From(rows, func(r *total) pointintime.Lookup {
			return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&s.User, &r.User)}, Within: time.Hour, Get: []agg.Term{agg.Sum(&o.Price, &r.Price)}}
		})}
	})
	leat.Write(out, "out", &memory.Collector[total]{})
}

// A spine that is written as well is read before, and kept.
func pointInTimeSpineElsewhere(p *leat.Pipeline) {
	spine := readEvents(p, "spine")
	leat.Write(spine, "copy", &memory.Collector[event]{})
	leat.Write(lookUp(spine, readEvents(p, "rows"), "known"), "out", &memory.Collector[known]{})
}
