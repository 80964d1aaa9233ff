package events

import "time"

// readingStep is the time between two readings: 10 M of them fill a month, so
// that windows of a week begin and end within.
const readingStep = 260 * time.Millisecond

// Reading is a row of many floats. Each is a multiple of 1/8 of less than 2^12:
// sums of up to 2^38 of them are exact in a float, in whatever order, and so
// results can be compared to the bit.
type Reading struct {
	UserID   string
	At       time.Time
	Features [FeatureCount]float64
}

// NextReading returns the next row of a group of readings.
func (g *Group) NextReading() Reading {
	r := Reading{UserID: g.user(), At: g.at(readingStep)}
	for i := range r.Features {
		r.Features[i] = g.eighths()
	}
	g.position++
	return r
}

var countries = [...]string{"AR", "BR", "CA", "DE", "EG", "FR", "GB", "IN", "JP", "KE", "MX", "NG", "PL", "US", "VN", "ZA"}

// Profile is what is known of a user.
type Profile struct {
	UserID, Country string
	Since           time.Time
	Scores          [8]float64
}

// NextProfile returns the next row of a group of profiles. Every tenth belongs
// to a user who has no events, so that a tenth of the users have no profile.
func (g *Group) NextProfile() Profile {
	p := Profile{
		UserID:  userName(g.position, g.users),
		Country: countries[g.random.IntN(len(countries))],
		Since:   Start.Add(-time.Duration(g.random.Int64N(1000)) * 24 * time.Hour),
	}
	if g.position%10 == 9 {
		p.UserID += "x"
	}
	for i := range p.Scores {
		p.Scores[i] = g.eighths()
	}
	g.position++
	return p
}

func (g *Group) eighths() float64 { return float64(g.random.Int32N(1<<16)-1<<15) / 8 }
