// Package events generates the input of the group-by job: purchases of many
// users in the order of their arrival, which is nearly that of their time.
//
// The one central idea: a row is a pure function of its position. Each row
// group has its own random generator seeded with the group's number, so any
// machine makes the same rows, and a file of fewer rows is a prefix:
//
//	group 0 (PCG 0) │ group 1 (PCG 1) │ …
//	row  0 … 999,999│ 1,000,000 …     │
//
//	at = start + position · step − up to a minute of disorder
//
// Users are skewed: half of the events belong to an eighth of the users, as the
// cube of a uniform number says. The number is scrambled before it becomes a
// name so that busy users are not neighbours.
package events

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// Users is how many different users there are to draw from; Items likewise.
const (
	Users     = 1_000_000
	Items     = 50_000
	GroupRows = 1_000_000
)

// Start is the time of the first event before disorder.
var Start = time.Date(2025, time.March, 1, 0, 0, 0, 0, time.UTC)

// step is the time between two positions: 20 M events fill a week.
const step = 30 * time.Millisecond

// disorder bounds how much earlier an event is than its position says.
const disorder = time.Minute

var types = [5]string{"view", "click", "cart", "buy", "return"}

// Event is one row. CentsFloat repeats Cents as a float: sums of whole numbers
// are exact in both, so results can be compared to the bit.
type Event struct {
	UserID, ItemID, Type string
	Cents                int64
	CentsFloat           float64
	Qty                  int32
	At                   time.Time
}

// Group generates the rows of a row group.
type Group struct {
	random   *rand.Rand
	position int64
}

// NewGroup begins row group n, whose first row is at position n·GroupRows.
func NewGroup(n int) *Group {
	return &Group{random: rand.New(rand.NewPCG(uint64(n), 0x1ea7)), position: int64(n) * GroupRows}
}

// Next returns the next row.
func (g *Group) Next() Event {
	r := g.random
	skewed := r.Float64()
	user := int(skewed * skewed * skewed * Users)
	cents := 99 + r.Int64N(20_000)
	e := Event{
		UserID:     name("user", user*7919%Users, 7),
		ItemID:     name("item", r.IntN(Items), 6),
		Type:       types[min(r.IntN(8), 4)],
		Cents:      cents,
		CentsFloat: float64(cents),
		Qty:        1 + r.Int32N(5),
		At:         Start.Add(time.Duration(g.position)*step - time.Duration(r.Int64N(int64(disorder/time.Microsecond)))*time.Microsecond),
	}
	g.position++
	return e
}

// name is prefix followed by n in at least width digits.
func name(prefix string, n, width int) string {
	digits := strconv.Itoa(n)
	b := make([]byte, 0, len(prefix)+width)
	b = append(b, prefix...)
	for range width - len(digits) {
		b = append(b, '0')
	}
	return string(append(b, digits...))
}
