package registry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"

	"github.com/leatflow/leat/io/avro"
	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/kafka"
	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/io/protobuf"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/registry"
	"github.com/leatflow/leat/sdk/leat"
)

// visit is a row that every format holds.
type visit struct {
	User  string    `leat:"user"`
	At    time.Time `leat:"at"`
	Delay *int64    `leat:"delay"`
	Tags  []string  `leat:"tags"`
}

const visitFile = `name: "visit.proto" package: "v" syntax: "proto3" dependency: "google/protobuf/timestamp.proto"
message_type { name: "Visit"
  field { name: "user" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "at" number: 2 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "delay" number: 3 type: TYPE_SINT64 label: LABEL_OPTIONAL proto3_optional: true oneof_index: 0 }
  field { name: "tags" number: 4 type: TYPE_STRING label: LABEL_REPEATED }
  oneof_decl { name: "_delay" } }`

func visitMessage(t *testing.T) protoreflect.MessageDescriptor {
	var p descriptorpb.FileDescriptorProto
	if err := prototext.Unmarshal([]byte(visitFile), &p); err != nil {
		t.Fatal(err)
	}
	d, err := protodesc.NewFile(&p, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return d.Messages().Get(0)
}

func TestFormatsOverKafka(t *testing.T) {
	// Rows that a pipeline writes to a topic in each format are what another reads
	// from it. The registry does not answer the reader at first: nothing is skipped.
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "json", "avro", "protobuf"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	fake := srfake.New()
	defer fake.Close()
	var away atomic.Int32
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fake.Handler().ServeHTTP(w, r)
	}))
	defer front.Close()
	var rows []visit
	for i := range 300 {
		v := visit{User: fmt.Sprintf("user %03d", i), At: time.UnixMicro(1e15 + int64(i)).UTC(), Tags: make([]string, i%3)}
		if delay := int64(i - 100); i%2 == 0 {
			v.Delay = &delay
		}
		rows = append(rows, v)
	}
	one := func() *registry.Registry { return &registry.Registry{URLs: []string{front.URL}} }
	for topic, format := range map[string]func() message.Format{
		"json":     func() message.Format { return json.Format{RefuseUnknown: true} },
		"avro":     func() message.Format { return avro.Format{Registry: one()} },
		"protobuf": func() message.Format { return protobuf.Format{Message: visitMessage(t), Registry: one()} },
	} {
		where := kafka.Cluster{Brokers: cluster.ListenAddrs()}
		p := new(leat.Pipeline)
		leat.Write(leat.Read[visit](p, "rows", memory.Of(rows...)), "out", kafka.Sink{Cluster: where, Topic: topic, Format: format()})
		if _, err := local.Run(t.Context(), p, local.Options{}); err != nil {
			t.Fatalf("%s: %v", topic, err)
		}
		if topic == "avro" {
			away.Store(2)
		}
		var got memory.Collector[visit]
		p = new(leat.Pipeline)
		leat.Write(leat.Read[visit](p, "in", kafka.Source{Cluster: where, Topics: []string{topic}, Format: format(), To: kafka.End}), "got", &got)
		if _, err := local.Run(t.Context(), p, local.Options{}); err != nil {
			t.Fatalf("%s: %v", topic, err)
		}
		var have, want []string
		for _, v := range got.Rows() {
			have = append(have, show(v))
		}
		for _, v := range rows {
			want = append(want, show(v))
		}
		if topic == "avro" && away.Load() >= 0 {
			t.Error("the registry was not asked while it was away")
		}
		slices.Sort(have)
		if !slices.Equal(have, want) {
			t.Errorf("%s: %d rows, want %d", topic, len(have), len(want))
		}
	}
}

func show(v visit) string {
	delay := "none"
	if v.Delay != nil {
		delay = fmt.Sprint(*v.Delay)
	}
	return fmt.Sprint(v.User, v.At.UnixMicro(), delay, len(v.Tags))
}

func TestBadPayloadsOverKafka(t *testing.T) {
	// Records whose schema nobody knows, does not fit or is not said go to the
	// dead-letter collection with place, reason and bytes; the others are read.
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	fake := srfake.New()
	defer fake.Close()
	fake.SeedSchema("in-value", 1, 4, sr.Schema{Schema: `{"type":"record","name":"V","fields":[{"name":"user","type":"string"}]}`})
	fake.SeedSchema("in-value", 2, 5, sr.Schema{Schema: `{"type":"record","name":"V","fields":[{"name":"user","type":"boolean"}]}`})
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, v := range []string{"\x00\x00\x00\x00\x04\x06ann", "\x00\x00\x00\x03\xe7\x06ann", "\x00\x00\x00\x00\x05\x01", `{"user":"ann"}`, "\x00\x00\x00\x00\x04\x06an", "\x00\x00\x00\x00\x04\x06bob"} {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	type user struct {
		User string `leat:"user"`
	}
	var good memory.Collector[user]
	var dead memory.Collector[leat.BadRecord]
	var bad leat.PCollection[leat.BadRecord]
	p := new(leat.Pipeline)
	format := avro.Format{Registry: &registry.Registry{URLs: []string{fake.URL()}}}
	rows := leat.Read(p, "in", kafka.Source{Cluster: kafka.Cluster{Brokers: cluster.ListenAddrs()}, Topics: []string{"in"}, Format: format, To: kafka.End},
		leat.BadTo[user](&bad))
	leat.Write(rows, "good", &good)
	leat.Write(bad, "dead", &dead)
	if _, err := local.Run(t.Context(), p, local.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := good.Rows(); !slices.Equal(got, []user{{"ann"}, {"bob"}}) {
		t.Errorf("read %v", got)
	}
	want := []string{"in/0@1 knows no schema with id 999", "in/0@2 the schema has boolean, which cannot be read into string",
		"in/0@3 the byte 0x7b", "in/0@4 field user: a value claims to have 3 bytes, and 2 are left"}
	got := dead.Rows()
	for i, w := range want {
		place, reason, _ := strings.Cut(w, " ")
		if len(got) != len(want) || got[i].Place != place || !strings.Contains(got[i].Error, reason) || len(got[i].Raw) == 0 {
			t.Fatalf("dead letters %+v, want %q", got, want)
		}
	}
}
