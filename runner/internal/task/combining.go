package task

import (
	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/watermark"
	"github.com/leatflow/leat/sdk/batch"
)

// combining makes one line of messages of several that come interleaved: channels
// of an exchange, splits of a source. Rows go by; of what is said of time that
// which holds for all of them together goes on.
type combining struct {
	lines   *watermark.Combiner
	open    int  // lines that have not ended
	sealed  bool // there will be no others
	stopped bool // a line has stopped before its end
	waiting []Message
	script  *Script
}

// take makes the message of a line into what it says for all of them.
func (c *combining) take(from int, m Message) {
	switch m.Kind {
	case exchange.Watermark:
		c.change(c.lines.Advance(from, m.Watermark))
	case exchange.Idle:
		c.change(c.lines.SetIdle(from))
	case exchange.Active:
		c.change(c.lines.SetActive(from))
	case exchange.End:
		c.open--
		change := c.lines.Finish(from)
		if c.over() {
			if c.stopped { // the others have got that far
				c.say(change)
			}
			c.waiting = append(c.waiting, c.last())
			return
		}
		c.change(change)
	case exchange.Stop: // it stays in the minimum, since more could have come
		c.open--
		c.stopped = true
		if c.over() {
			c.waiting = append(c.waiting, c.last())
			return
		}
		c.script.Done()
	default:
		c.waiting = append(c.waiting, m)
	}
}

func (c *combining) over() bool { return c.open == 0 && c.sealed }

// last is the message behind those of all lines.
func (c *combining) last() Message {
	if c.stopped {
		return control(exchange.Stop, 0)
	}
	return control(exchange.End, batch.MaxTime)
}

// change puts what has changed in line, in place of the message.
func (c *combining) change(change watermark.Change) {
	c.say(change)
	c.script.Done()
}

// say puts what has changed in line.
func (c *combining) say(change watermark.Change) {
	if change.Turned && change.State == watermark.Active {
		c.add(control(exchange.Active, 0))
	}
	if change.Rose {
		c.add(control(exchange.Watermark, change.Watermark))
	}
	if change.Turned && change.State == watermark.Idle {
		c.add(control(exchange.Idle, 0))
	}
}

func (c *combining) add(m Message) {
	c.script.Begin()
	c.waiting = append(c.waiting, m)
}

// next takes the first message in line; there must be one.
func (c *combining) next() Message {
	m := c.waiting[0]
	c.waiting[0] = Message{}
	if c.waiting = c.waiting[1:]; len(c.waiting) == 0 {
		c.waiting = nil
	}
	return m
}

func control(k exchange.Kind, w int64) Message {
	return Message{Message: exchange.Message{Kind: k, Watermark: w}}
}
