package realkafka_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/leatflow/leat/io/kafka/realkafka"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A broker keeps what it has acknowledged and its address when it is killed and
// started again, and answers nothing while it is paused.
func TestRealBrokerComesBack(t *testing.T) {
	b := realkafka.Use(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Address()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	topic := fmt.Sprintf("comes-back-%d", time.Now().UnixNano())
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	produce := func(n int) {
		for i := range n {
			if err := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%d", i)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	ends := func() int64 {
		offsets, err := admin.ListEndOffsets(ctx, topic)
		if err == nil {
			err = offsets.Error()
		}
		if err != nil {
			t.Fatal(err)
		}
		end, _ := offsets.Lookup(topic, 0)
		return end.Offset
	}
	produce(100)
	b.Kill(t)
	b.Start(t)
	produce(10)
	if got := ends(); got != 110 {
		t.Errorf("the topic ends at %d after a crash, want 110", got)
	}
	b.Pause(t)
	short, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	if _, err := admin.ListEndOffsets(short, topic); err == nil {
		t.Error("a paused broker answered")
	}
	b.Resume(t)
	if got := ends(); got != 110 {
		t.Errorf("the topic ends at %d after a pause, want 110", got)
	}
}
