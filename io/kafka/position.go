package kafka

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Position says where in its topics a source begins or ends. The zero Position is
// the default of the field that has it: the earliest record, and no end.
type Position struct {
	kind    positionKind
	time    time.Time
	offsets map[string]map[int32]int64
}

type positionKind uint8

const (
	unset positionKind = iota
	earliest
	latest
	after
	never
	end
	before
	explicit
)

// The positions that need nothing more said.
var (
	// Earliest begins with the first record that the topic still has.
	Earliest = Position{kind: earliest}
	// Latest begins with what is written after the source was opened. Of a
	// transaction that is open then, it reads all that is behind its first record.
	Latest = Position{kind: latest}
	// Never does not end.
	Never = Position{kind: never}
	// End ends where the topic ended when the source was opened: before the first
	// transaction that was open then.
	End = Position{kind: end}
)

// At begins each partition with the first record that has a timestamp of t or
// later, or, where there is none, with what is written next. Records behind it are
// all read, also those with an earlier timestamp.
func At(t time.Time) Position { return Position{kind: after, time: t} }

// Before ends each partition in front of the first record that has a timestamp of t
// or later, or, where there is none, where the partition ended when the source was
// opened.
func Before(t time.Time) Position { return Position{kind: before, time: t} }

// Offsets begins or ends each partition at an offset, by topic and partition: the
// first to read, or the first not to read. Every partition needs one.
func Offsets(offsets map[string]map[int32]int64) Position {
	p := Position{kind: explicit, offsets: make(map[string]map[int32]int64, len(offsets))}
	for topic, partitions := range offsets {
		p.offsets[topic] = maps.Clone(partitions)
	}
	return p
}

// String renders the position.
func (p Position) String() string {
	switch p.kind {
	case earliest:
		return "earliest"
	case latest:
		return "latest"
	case after:
		return "at " + p.time.UTC().Format(time.RFC3339Nano)
	case never:
		return "never"
	case end:
		return "end"
	case before:
		return "before " + p.time.UTC().Format(time.RFC3339Nano)
	case explicit:
		return "offsets"
	}
	return "default"
}

// ends reports whether a source that ends at the position ends at all.
func (p Position) ends() bool { return p.kind != unset && p.kind != never }

// validate checks that the position may stand in a field of a source.
func (p Position) validate(field string, topics []string, kinds ...positionKind) error {
	if p.kind != unset && !slices.Contains(kinds, p.kind) {
		var names []string
		for _, k := range kinds {
			names = append(names, positionNames[k])
		}
		return fmt.Errorf("kafka: %s cannot be %s; it can be %v", field, positionNames[p.kind], names)
	}
	for _, topic := range slices.Sorted(maps.Keys(p.offsets)) {
		if !slices.Contains(topics, topic) {
			return fmt.Errorf("kafka: %s has offsets of topic %q, which is not read", field, topic)
		}
		for partition, offset := range p.offsets[topic] {
			if offset < 0 {
				return fmt.Errorf("kafka: %s has offset %d for %s; offsets start at 0", field, offset, name(topic, partition))
			}
		}
	}
	if p.kind == explicit && len(p.offsets) == 0 {
		return fmt.Errorf("kafka: %s has no offsets; give one for each partition", field)
	}
	return nil
}

var positionNames = map[positionKind]string{earliest: "Earliest", latest: "Latest", after: "At(time)",
	never: "Never", end: "End", before: "Before(time)", explicit: "Offsets"}

// name is a partition as messages show it.
func name(topic string, partition int32) string { return fmt.Sprintf("%s/%d", topic, partition) }
