package main

import (
	"slices"

	"github.com/leatflow/leat/sdk/batch"
)

// sums adds up hashes of rows as the sink does.
type sums struct {
	rows int64
	sum  uint64
}

func (s *sums) add(values ...int64) {
	var h uint64
	for _, v := range values {
		h = foldOne(h, v)
	}
	s.rows++
	s.sum += h ^ h>>32
}

// oracles compute the results of each job event by event.
var oracles = map[string]func(s *stream, events int64) sums{
	"null": func(s *stream, events int64) (out sums) {
		for _, e := range all(s, events) {
			at := e.At.UnixMicro()
			out.add(e.Key, e.Value, at, at)
		}
		return out
	},
	"map": func(s *stream, events int64) (out sums) {
		for _, e := range all(s, events) {
			if e.Value *= 2; e.Value%3 != 0 {
				at := e.At.UnixMicro()
				out.add(e.Key, e.Value, at, at)
			}
		}
		return out
	},
	"sum": func(s *stream, events int64) sums {
		return runningSums(s, events, func(Event) int64 { return batch.MaxTime - 1 })
	},
	"stateful": func(s *stream, events int64) sums {
		return runningSums(s, events, func(e Event) int64 { return e.At.UnixMicro() })
	},
	"tumbling": func(s *stream, events int64) sums {
		return aligned(s, events, tumblingSize.Microseconds(), tumblingSize.Microseconds())
	},
	"sliding": func(s *stream, events int64) sums {
		return aligned(s, events, slidingSize.Microseconds(), slidingPeriod.Microseconds())
	},
	"session":  sessions,
	"interval": intervals,
}

func all(s *stream, events int64) []Event {
	list := make([]Event, events)
	for i := range list {
		list[i] = s.event(int64(i))
	}
	return list
}

// runningSums gives what a key has so far, for each event.
func runningSums(s *stream, events int64, at func(Event) int64) (out sums) {
	sofar := make(map[int64]Stats)
	for _, e := range all(s, events) {
		v := sofar[e.Key]
		v = Stats{v.Count + 1, v.Sum + e.Value}
		sofar[e.Key] = v
		out.add(e.Key, v.Count, v.Sum, at(e))
	}
	return out
}

// aligned adds each event to every window it is in.
func aligned(s *stream, events, size, period int64) (out sums) {
	type group struct{ key, start int64 }
	groups := make(map[group]Stats)
	for _, e := range all(s, events) {
		at := e.At.UnixMicro()
		for start := at - at%period; start > at-size; start -= period {
			g := groups[group{e.Key, start}]
			groups[group{e.Key, start}] = Stats{g.Count + 1, g.Sum + e.Value}
		}
	}
	for g, v := range groups {
		out.add(g.key, v.Count, v.Sum, g.start+size-1)
	}
	return out
}

// intervals pairs each event of a low value with those of a high value near it.
func intervals(s *stream, events int64) (out sums) {
	byKey := make(map[int64][]Event)
	for _, e := range all(s, events) {
		byKey[e.Key] = append(byKey[e.Key], e)
	}
	for key, list := range byKey {
		slices.SortFunc(list, func(a, b Event) int { return a.At.Compare(b.At) })
		for i, a := range list {
			for _, b := range list[i+1:] {
				if b.At.Sub(a.At) > near {
					break
				}
				if low, high := min(a.Value, b.Value), max(a.Value, b.Value); low < valueCount/2 && high >= valueCount/2 {
					out.add(key, low, high, b.At.UnixMicro())
				}
			}
		}
	}
	return out
}

// sessions sorts the events of each key and cuts them where two are a gap apart.
func sessions(s *stream, events int64) (out sums) {
	byKey := make(map[int64][]Event)
	for _, e := range all(s, events) {
		byKey[e.Key] = append(byKey[e.Key], e)
	}
	for key, list := range byKey {
		slices.SortFunc(list, func(a, b Event) int { return a.At.Compare(b.At) })
		var open Stats
		for i, e := range list {
			open = Stats{open.Count + 1, open.Sum + e.Value}
			if i+1 == len(list) || list[i+1].At.Sub(e.At) >= sessionGap {
				out.add(key, open.Count, open.Sum, e.At.Add(sessionGap).UnixMicro()-1)
				open = Stats{}
			}
		}
	}
	return out
}
