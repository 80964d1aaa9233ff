package main

import (
	"strconv"
	"time"
)

// Event is a row of the input.
type Event struct {
	Key   string    `leat:"key"`
	Value int64     `leat:"value"`
	At    time.Time `leat:"at"`
}

// Stats are the events of a key in a window.
type Stats struct {
	Key   string    `leat:"key" json:"key"`
	End   time.Time `leat:"end" json:"end"`
	Count int64     `leat:"count" json:"count"`
	Sum   int64     `leat:"sum" json:"sum"`
}

// stream is an input as a function of the number of an event, so that results can
// be computed apart from the engine, and when an event was due is known without a
// word about it in the event:
//
//	number     0   1   2   3   4   5 …
//	partition  0   1   2   3   0   1 …      the key says the partition
//	at         start + number / rate        µs, cut off; ascends in a partition
type stream struct {
	start      int64 // µs since 1970 of event 0
	rate       int64 // events a second of event time
	partitions int64
	keys       int64
}

const valueCount = 1000

func (s stream) at(number int64) int64 {
	return s.start + number/s.rate*1_000_000 + number%s.rate*1_000_000/s.rate
}

func (s stream) partition(number int64) int64 { return number % s.partitions }

func (s stream) value(number int64) int64 { return int64(scramble(uint64(number)) % valueCount) }

// appendKey appends one of the keys of the event's partition.
func (s stream) appendKey(to []byte, number int64) []byte {
	to = append(to, "key-"...)
	of := s.keys / s.partitions
	return strconv.AppendInt(to, s.partition(number)+s.partitions*int64(scramble(uint64(number)^0x5eed)%uint64(of)), 10)
}

// appendEvent appends the payload: {"key":"key-17","value":4,"at":1600000000000000}.
func (s stream) appendEvent(to []byte, number int64) []byte {
	to = append(to, `{"key":"`...)
	to = s.appendKey(to, number)
	to = append(to, `","value":`...)
	to = strconv.AppendInt(to, s.value(number), 10)
	to = append(to, `,"at":`...)
	to = strconv.AppendInt(to, s.at(number), 10)
	return append(to, '}')
}

// closing returns the event that lets the watermark pass a moment: the last of the
// first events at or after it in each partition.
func (s stream) closing(moment int64) int64 {
	number := (moment - s.start) / 1_000_000 * s.rate // no later than the first
	for s.at(number) < moment {
		number += max(1, (moment-s.at(number))*s.rate/1_000_000)
	}
	for number > 0 && s.at(number-1) >= moment {
		number--
	}
	return number + s.partitions - 1
}

// sum returns the sum of the values of the first n events.
func (s stream) sum(n int64) (total int64) {
	for i := range n {
		total += s.value(i)
	}
	return total
}

// scramble mixes the bits of x: the finalizer of SplitMix64.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
