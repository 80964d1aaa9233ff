package task

import (
	"context"

	"github.com/leatflow/leat/runner/internal/operator"
)

// waking returns the links whose operators have something to do between messages.
func (t *Task) waking() (links []*Link) {
	for _, l := range t.Links {
		if _, ok := l.op.(operator.Waking); ok {
			links = append(links, l)
		}
	}
	return links
}

// watch puts the wakes of a link among the messages of its task, until quit.
func watch(ctx context.Context, l *Link, items chan<- item, quit <-chan struct{}) {
	woken := l.op.(operator.Waking).Woken()
	for {
		select {
		case <-woken:
		case <-quit:
			return
		}
		select {
		case items <- item{wake: l}:
		case <-quit:
			return
		case <-ctx.Done():
			return
		}
	}
}

// wake lets the operator do what it was woken for.
func (l *Link) wake(ctx context.Context) error {
	l.ctx = ctx
	if err := l.op.(operator.Waking).Wake(ctx, l.emit); err != nil {
		return l.named(err)
	}
	return l.settle(ctx)
}

// Settle passes on what has changed while a call of the operator is under way.
func (l *Link) Settle() error { return l.settle(l.ctx) }
