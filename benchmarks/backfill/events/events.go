// Package events generates inputs: purchases of many users in the order of their
// arrival, which is nearly that of their time, readings of many floats likewise,
// and profiles of users.
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
	users    int64
	position int64
}

// NewGroup begins row group n, whose first row is at position n·GroupRows, of
// events of so many users.
func NewGroup(n int, users int64) *Group {
	return &Group{random: rand.New(rand.NewPCG(uint64(n), 0x1ea7)), users: users, position: int64(n) * GroupRows}
}

// Next returns the next row.
func (g *Group) Next() Event {
	r := g.random
	user := g.user()
	cents := 99 + r.Int64N(20_000)
	e := Event{
		UserID:     user,
		ItemID:     name("item", r.IntN(Items), 6),
		Type:       types[min(r.IntN(8), 4)],
		Cents:      cents,
		CentsFloat: float64(cents),
		Qty:        1 + r.Int32N(5),
		At:         g.at(step),
	}
	g.position++
	return e
}

// user draws a name, skewed.
func (g *Group) user() string {
	skewed := g.random.Float64()
	return userName(int64(skewed*skewed*skewed*float64(g.users)), g.users)
}

// userName scrambles n, which is below users, so that neighbours have distant names.
func userName(n, users int64) string {
	step := int64(7919)
	if users%step == 0 {
		step = 7907 // a common factor would give two users one name
	}
	return name("user", int(n*step%users), 7)
}

// at is the time of the position, up to disorder earlier.
func (g *Group) at(step time.Duration) time.Time {
	early := time.Duration(g.random.Int64N(int64(disorder/time.Microsecond))) * time.Microsecond
	return Start.Add(time.Duration(g.position)*step - early)
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
