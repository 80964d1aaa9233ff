package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// deliver writes values to a topic as somebody else would.
func deliver(t *testing.T, c Cluster, topic string, values ...string) {
	t.Helper()
	client, err := c.client(kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, v := range values {
		if err := client.ProduceSync(t.Context(), kgo.StringRecord(v)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// doubled is a pipeline from topic in to topic out, with what is bad to topic dead.
func doubled(c Cluster, to Position) *leat.Pipeline {
	p := new(leat.Pipeline)
	var bad leat.PCollection[leat.BadRecord]
	rows := leat.Read(p, "in", Source{Cluster: c, Topics: []string{"in"}, Format: json.Format{}, To: to}, leat.BadTo[feature](&bad))
	twice := leat.Map(rows, "twice", func(f feature) feature { f.Count *= 2; return f })
	leat.Write(twice, "out", Sink{Cluster: c, Topic: "out", Format: json.Format{}, KeyField: "user"})
	leat.Write(bad, "dead", Sink{Cluster: c, Topic: "dead", Format: json.Format{}, KeyField: "place"})
	return p
}

// From topic to topic, with a dead-letter topic that has reason and origin, on both
// plans; a streaming run that is stopped has written what it read.
func TestPipeline(t *testing.T) {
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		t.Run(fmt.Sprint(plan), func(t *testing.T) {
			fake, c := brokers(t, kfake.SeedTopics(2, "in", "out", "dead"))
			deliver(t, c, "in", `{"user":"a","count":1,"at":"2024-01-01T00:00:00Z"}`, `{"user":`, `{"user":"b","count":21,"at":"2024-01-01T00:00:01Z"}`)
			_, err := local.Run(t.Context(), doubled(c, End), local.Options{Plan: plan, Parallelism: 2})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range consume(t, c, fake, "out") {
				got = append(got, string(r.Key)+" "+string(r.Value))
			}
			slices.Sort(got)
			want := []string{`a {"user":"a","count":2,"at":"2024-01-01T00:00:00.000000Z"}`, `b {"user":"b","count":42,"at":"2024-01-01T00:00:01.000000Z"}`}
			if !slices.Equal(got, want) {
				t.Errorf("out has %q, want %q", got, want)
			}
			dead := consume(t, c, fake, "dead")
			if len(dead) != 1 || !strings.HasPrefix(string(dead[0].Key), "in/") || !strings.Contains(string(dead[0].Value), `"raw":"eyJ1c2VyIjo="`) {
				t.Errorf("dead has %v", dead)
			}
		})
	}
}

// Dead letters of a live topic are written when they come, also while nothing else
// does.
func TestPipelineOfBadRecords(t *testing.T) {
	fake, c := brokers(t, kfake.SeedTopics(1, "in", "out", "dead"))
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := local.Run(t.Context(), doubled(c, Never), local.Options{Parallelism: 2, Stop: stop})
		ended <- err
	}()
	for i := range 2 {
		deliver(t, c, "in", "nonsense")
		for began := time.Now(); len(consume(t, c, fake, "dead")) <= i; time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > 10*time.Second {
				t.Fatalf("dead letter %d has not come", i)
			}
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// A record that is refused ends a streaming run soon, although no more rows come.
func TestPipelineFailsWhileIdle(t *testing.T) {
	fake, c := brokers(t, kfake.SeedTopics(1, "in", "out", "dead"))
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.TopicAuthorizationFailed, Count: -1})
	deliver(t, c, "in", `{"user":"a","count":1,"at":"2024-01-01T00:00:00Z"}`)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := local.Run(ctx, doubled(c, Never), local.Options{Parallelism: 2})
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the run went on: %v", err)
	}
	expect(t, err, `"out"`, `an ACL must allow Write on topic "out"`, "pipeline_test.go:")
	t.Log(err)
}

// EXPLAIN names topic and guarantee, and no secret.
func TestExplain(t *testing.T) {
	t.Setenv("LEAT_TEST_PASSWORD", canary)
	c := Cluster{Brokers: []string{"b:1"}, TLS: &TLS{InsecureSkipVerify: true}, SASL: &SASL{Mechanism: Plain, User: "u", Password: SecretEnv("LEAT_TEST_PASSWORD")}}
	text, err := local.Explain(doubled(c, Never), local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kafka in (INSECURE: certificates are not verified)", "kafka out at b:1 (INSECURE: certificates are not verified), json, at least once"} {
		if !strings.Contains(text, want) {
			t.Errorf("EXPLAIN does not say %q:\n%s", want, text)
		}
	}
	hasNoCanary(t, text)
}
