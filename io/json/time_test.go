package json

import (
	"testing"
	"time"
)

func TestAppendTime(t *testing.T) {
	// Every day of the 10,000 years is written as package time writes it, and read
	// back as the same microsecond.
	for micros := firstTime; micros <= lastTime; micros += microsPerDay + 1_234_567 {
		text := string(appendTime(nil, micros))
		if want := time.UnixMicro(micros).UTC().Format(`"2006-01-02T15:04:05.000000Z"`); text != want {
			t.Fatalf("%d is written %s, want %s", micros, text, want)
		}
		if back, ok := parseTime([]byte(text[1 : len(text)-1])); !ok || back != micros {
			t.Fatalf("%s is read as %d, want %d", text, back, micros)
		}
	}
	if got := string(appendTime(nil, lastTime)); got != `"9999-12-31T23:59:59.999999Z"` {
		t.Errorf("the last time is written %s", got)
	}
}
