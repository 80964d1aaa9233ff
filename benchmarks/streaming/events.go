package main

import (
	"math"
	"math/rand/v2"
	"time"
)

// Event is a row of the input.
type Event struct {
	Key   int64     `leat:"key"`
	Value int64     `leat:"value"`
	At    time.Time `leat:"at"`
}

// The input is a function of the number of an event, so that a test can compute
// results apart from the engine. Keys, values and how far an event is behind are
// read from tables, from another place for every block of events:
//
//	event   0 … 8191 │ 8192 … 16383 │ …        number; one every step µs
//	tables  [··block 1··]····[··block 0··]···  shared by all batches, never written
const (
	blockRows   = 8192
	tableRows   = 1 << 20 // and one block more, so that no block wraps
	keyCount    = 10_000
	valueCount  = 1000
	lateMost    = 1000 // µs an event is behind at the most
	firstMicros = 1_600_000_000_000_000
)

// stream is one input: all events with numbers below events.
type stream struct {
	keys, values, behind []int64
	seed                 uint64
	step                 int64 // µs between events
}

// newStream draws the tables. Keys follow Zipf's law with exponent 1: the most
// frequent of 10,000 has a tenth of the events.
func newStream(seed uint64, step int64) *stream {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &stream{seed: seed, step: step}
	cumulated := make([]float64, keyCount)
	total := 0.0
	for k := range cumulated {
		total += 1 / float64(k+1)
		cumulated[k] = total
	}
	s.keys, s.values, s.behind = make([]int64, tableRows), make([]int64, tableRows), make([]int64, tableRows)
	key := 0
	for i := range s.keys {
		for cumulated[key] < total*(float64(i)+0.5)/tableRows {
			key++
		}
		s.keys[i] = int64(scramble(uint64(key)) % math.MaxInt32) // names do not tell the rank
		s.values[i] = r.Int64N(valueCount)
		s.behind[i] = r.Int64N(lateMost)
	}
	r.Shuffle(tableRows, func(i, j int) { s.keys[i], s.keys[j] = s.keys[j], s.keys[i] })
	for _, t := range []*[]int64{&s.keys, &s.values, &s.behind} {
		*t = append(*t, (*t)[:blockRows]...)
	}
	return s
}

// offset returns where in the tables a block is.
func (s *stream) offset(block int64) int {
	return int(scramble(uint64(block)^s.seed<<32) % tableRows)
}

// time returns the event time, in µs, of an event that stands at place at of the
// tables.
func (s *stream) time(number int64, at int) int64 {
	return firstMicros + number*s.step - s.behind[at]
}

// event returns one event.
func (s *stream) event(number int64) Event {
	at := s.offset(number/blockRows) + int(number%blockRows)
	return Event{Key: s.keys[at], Value: s.values[at], At: time.UnixMicro(s.time(number, at)).UTC()}
}

// scramble mixes the bits of x: the finalizer of SplitMix64.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
