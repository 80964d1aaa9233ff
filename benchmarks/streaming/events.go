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
// read from tables, from another place for every block of events; block b has the
// keys of partition b mod 4, as of a topic that is partitioned by key:
//
//	event   0 … 8191 │ 8192 … 16383 │ …        number; one every step µs
//	block   0        │ 1            │ …
//	tables of partition 0  [······block 0··]   shared by all batches, never written
//	tables of partition 1  [··block 1······]
const (
	blockRows   = 8192
	partitions  = 4
	tableRows   = 1 << 18 // and one block more, so that no block wraps
	keyCount    = 10_000
	valueCount  = 1000
	lateMost    = 1000 // µs an event is behind at the most
	firstMicros = 1_600_000_000_000_000
)

// stream is one input.
type stream struct {
	tables [partitions]table
	seed   uint64
	step   int64 // µs between events
}

// table is what the events of a partition are made of.
type table struct{ keys, values, behind []int64 }

// newStream draws the tables. Keys follow Zipf's law with exponent 1, the most
// frequent of 10,000 has a tenth of the events; each goes to the partition with the
// fewest events so far, so that all have as many.
func newStream(seed uint64, step int64) *stream {
	s := &stream{seed: seed, step: step}
	var keys [partitions][]int
	var weight [partitions]float64
	for k := range keyCount {
		least := 0
		for p := range weight {
			if weight[p] < weight[least] {
				least = p
			}
		}
		keys[least] = append(keys[least], k)
		weight[least] += 1 / float64(k+1)
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for p := range s.tables {
		s.tables[p] = newTable(r, keys[p], weight[p])
	}
	return s
}

// newTable draws events of some keys in the order of their ranks, of all of which
// weight is the sum of 1/rank.
func newTable(r *rand.Rand, keys []int, weight float64) table {
	t := table{make([]int64, tableRows), make([]int64, tableRows), make([]int64, tableRows)}
	at, until := 0, 1/float64(keys[0]+1)
	for i := range t.keys {
		for at+1 < len(keys) && until < weight*(float64(i)+0.5)/tableRows {
			at++
			until += 1 / float64(keys[at]+1)
		}
		t.keys[i] = int64(scramble(uint64(keys[at])) % math.MaxInt32) // names do not tell the rank
		t.values[i] = r.Int64N(valueCount)
		t.behind[i] = r.Int64N(lateMost)
	}
	r.Shuffle(tableRows, func(i, j int) { t.keys[i], t.keys[j] = t.keys[j], t.keys[i] })
	for _, column := range []*[]int64{&t.keys, &t.values, &t.behind} {
		*column = append(*column, (*column)[:blockRows]...)
	}
	return t
}

// block returns the tables of a block, from where it begins.
func (s *stream) block(number int64) table {
	t := s.tables[number%partitions]
	at := scramble(uint64(number)^s.seed<<32) % tableRows
	return table{t.keys[at:], t.values[at:], t.behind[at:]}
}

// event returns one event.
func (s *stream) event(number int64) Event {
	t, at := s.block(number/blockRows), number%blockRows
	return Event{Key: t.keys[at], Value: t.values[at], At: time.UnixMicro(firstMicros + number*s.step - t.behind[at]).UTC()}
}

// scramble mixes the bits of x: the finalizer of SplitMix64.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
