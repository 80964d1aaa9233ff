package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

const (
	commitInterval = 5 * time.Second
	commitPatience = 5 * time.Second // for the last one
)

// commitOften commits positions until ctx is done. They are for people who look at
// the lag of a group; nothing reads them, so that a failure costs nothing but that.
func (in *input) commitOften(ctx context.Context) {
	failing := false
	for {
		select {
		case <-time.After(commitInterval):
		case <-ctx.Done():
			return
		}
		err := in.commit(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			in.source.Log.Warn("kafka: positions cannot be committed, so that monitoring does not see them; trying again", "group", in.source.Group, "err", err)
		}
		failing = err != nil
	}
}

func (in *input) commitLast() {
	ctx, cancel := context.WithTimeout(context.Background(), commitPatience)
	defer cancel()
	if err := in.client.within(ctx, in.commit); err != nil {
		in.source.Log.Warn("kafka: the last positions could not be committed, so that monitoring does not see them", "group", in.source.Group, "err", err)
	}
}

// commit commits where all readers are.
func (in *input) commit(ctx context.Context) error {
	offsets := make(kadm.Offsets)
	in.mu.Lock()
	for p, at := range in.positions {
		offsets.AddOffset(p.topic, p.number, at.Load(), -1)
	}
	in.mu.Unlock()
	if len(offsets) == 0 {
		return nil
	}
	return in.admin.CommitAllOffsets(ctx, in.source.Group, offsets)
}
