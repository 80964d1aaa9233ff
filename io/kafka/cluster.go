// Package kafka reads and writes topics of Apache Kafka.
package kafka

import (
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Cluster says how to reach a Kafka cluster. It is shared by sources and sinks.
type Cluster struct {
	Brokers []string // host:port of some brokers; the others are found through them
}

// Validate reports the mistakes that can be seen without I/O.
func (c Cluster) Validate() error {
	if len(c.Brokers) == 0 || slices.Contains(c.Brokers, "") {
		return errors.New("kafka: no brokers; name at least one as host:port")
	}
	return nil
}

// client returns a client with the options that the cluster implies, and others.
func (c Cluster) client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.ClientID("leat")}, options...)...)
}
