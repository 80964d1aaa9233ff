package json

import (
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

const (
	microsPerSecond = 1_000_000
	secondsPerDay   = 86_400
	microsPerDay    = secondsPerDay * microsPerSecond
)

// time reads an RFC 3339 string or an integer of microseconds since 1970.
func (c *cursor) time() (int64, error) {
	if c.peek() != '"' {
		if b := c.peek(); b != '-' && (b < '0' || b > '9') {
			return 0, c.want("a time")
		}
		return c.integer(batch.Time)
	}
	start := c.at
	text, err := c.view()
	if err != nil {
		return 0, err
	}
	v, ok := parseTime(text)
	if !ok {
		return 0, c.failAt(start, "%q is no RFC 3339 time such as 2013-01-31T05:15:00.000000Z", clip(text))
	}
	return v, nil
}

// parseTime returns the microseconds of an RFC 3339 time. A space may stand for
// the T, as the RFC allows; a leap second is not accepted.
//
//	2013-01-31T05:15:00.25+02:00
//	0    5  8  11 14 17 19
func parseTime(b []byte) (int64, bool) {
	if len(b) < len("2006-01-02T15:04:05Z") || b[4] != '-' || b[7] != '-' || b[13] != ':' || b[16] != ':' {
		return 0, false
	}
	if b[10] != 'T' && b[10] != 't' && b[10] != ' ' {
		return 0, false
	}
	year, month, day := 100*two(b, 0)+two(b, 2), two(b, 5), two(b, 8)
	hour, minute, second := two(b, 11), two(b, 14), two(b, 17)
	if year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	micros, rest, ok := fraction(b[19:])
	if !ok {
		return 0, false
	}
	offset, ok := zone(rest)
	seconds := int64(days(year, month, day))*secondsPerDay + int64(hour*3600+minute*60+second-offset)
	return seconds*microsPerSecond + micros, ok
}

// two returns the number that two digits are, a far larger one when they are none.
func two(b []byte, i int) int {
	tens, ones := b[i]-'0', b[i+1]-'0'
	if tens > 9 || ones > 9 {
		return 1 << 24
	}
	return int(tens)*10 + int(ones)
}

// fraction returns the microseconds of .25 and what follows.
func fraction(b []byte) (micros int64, rest []byte, ok bool) {
	if b[0] != '.' {
		return 0, b, true
	}
	if len(b) > 7 && b[7]-'0' > 9 { // six digits, as most writers put it
		if v := 10_000*two(b, 1) + 100*two(b, 3) + two(b, 5); v < microsPerSecond {
			return int64(v), b[7:], true
		}
	}
	i := 1
	for unit := int64(microsPerSecond / 10); i < len(b) && b[i]-'0' <= 9; i++ {
		micros += int64(b[i]-'0') * unit
		unit /= 10
	}
	return micros, b[i:], i > 1
}

// zone returns the seconds east of UTC of Z or +02:00.
func zone(b []byte) (int, bool) {
	if len(b) == 1 {
		return 0, b[0] == 'Z' || b[0] == 'z'
	}
	if len(b) != len("+02:00") || b[0] != '+' && b[0] != '-' || b[3] != ':' {
		return 0, false
	}
	hours, minutes := two(b, 1), two(b, 4)
	seconds := hours*3600 + minutes*60
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, hours <= 23 && minutes <= 59
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// days returns the days from 1970-01-01 to a date of the Gregorian calendar. The
// year is made to begin in March, so that the leap day is its last.
func days(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	era := (year + 400) / 400 // year 0 in January counts as year -1
	inEra := year + 400 - era*400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return (era-1)*146_097 + inEra*365 + inEra/4 - inEra/100 + dayOfYear - 719_468
}

// date is the inverse of days, for the years 0 to 9999: the day of an era of 400
// years is split into years, and the day of the year, which begins in March, into
// months (Hinnant, chrono-compatible date algorithms).
func date(day int) (year int, month, dayOfMonth uint) {
	day += 719_468 + 146_097 // era 0 begins in March of the year -400
	era := day / 146_097
	inEra := day % 146_097
	year = (inEra - inEra/1460 + inEra/36_524 - inEra/146_096) / 365
	dayOfYear := inEra - (365*year + year/4 - year/100)
	m := (5*dayOfYear + 2) / 153
	dayOfMonth = uint(dayOfYear - (153*m+2)/5 + 1)
	year += (era - 1) * 400
	if m >= 10 {
		return year + 1, uint(m - 9), dayOfMonth
	}
	return year, uint(m + 3), dayOfMonth
}

// The times that RFC 3339 can write.
var (
	firstTime = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	lastTime  = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
)
