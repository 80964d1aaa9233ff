// Package realkafka has tests run against a broker of Apache Kafka itself.
//
// The one central idea: the broker belongs to whoever calls the tests. broker.sh
// starts it in a directory, LEAT_KAFKA names the directory, and tests stop, kill,
// pause and start the broker there as they like, at one address for all its life.
//
//	broker.sh start DIR ─▶ LEAT_KAFKA=DIR go test … ─▶ broker.sh stop DIR
//
// Tests share the broker one after the other: run their packages with -p 1. Their
// names begin with TestReal. make test-kafka does all of that.
package realkafka

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Variable names the directory of the broker in the environment.
const Variable = "LEAT_KAFKA"

// Broker is a broker in a directory.
type Broker struct {
	dir, address string
}

// Use returns the broker that the environment names and leaves the test out where
// it names none. When the test ends the broker runs, whatever the test did to it.
func Use(tb testing.TB) *Broker {
	tb.Helper()
	dir := os.Getenv(Variable)
	if dir == "" {
		tb.Skip(Variable + " names no directory of a broker; make test-kafka starts one and runs this test")
	}
	address, err := os.ReadFile(filepath.Join(dir, "address"))
	if err != nil {
		tb.Fatalf("%s=%s holds no broker that broker.sh has started: %v", Variable, dir, err)
	}
	b := &Broker{dir: dir, address: strings.TrimSpace(string(address))}
	tb.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(dir, "pid")); err != nil {
			b.Start(tb)
			return
		}
		b.Resume(tb)
	})
	return b
}

// Address returns host:port.
func (b *Broker) Address() string { return b.address }

// Start starts a broker that was stopped or killed, and returns when it answers.
func (b *Broker) Start(tb testing.TB) { b.run(tb, "start") }

// Stop ends the broker in order.
func (b *Broker) Stop(tb testing.TB) { b.run(tb, "stop") }

// Kill ends the broker as a crash does.
func (b *Broker) Kill(tb testing.TB) { b.run(tb, "kill") }

// Pause lets the broker answer nothing until Resume: connections stay open.
func (b *Broker) Pause(tb testing.TB) { b.run(tb, "pause") }

// Resume ends a pause.
func (b *Broker) Resume(tb testing.TB) { b.run(tb, "resume") }

func (b *Broker) run(tb testing.TB, command string) {
	tb.Helper()
	if err := b.script(command); err != nil {
		tb.Fatal(err)
	}
}

func (b *Broker) script(command string) error {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return fmt.Errorf("realkafka: where broker.sh is cannot be told")
	}
	// A file takes the messages: the broker inherits it, and a pipe would have
	// Wait wait for the broker.
	messages, err := os.CreateTemp("", "broker-*.log")
	if err != nil {
		return err
	}
	defer os.Remove(messages.Name())
	defer messages.Close()
	run := exec.Command("bash", filepath.Join(filepath.Dir(file), "broker.sh"), command, b.dir)
	run.Stdout, run.Stderr = messages, messages
	if err := run.Run(); err != nil {
		said, _ := os.ReadFile(messages.Name())
		return fmt.Errorf("broker.sh %s %s: %w\n%s", command, b.dir, err, bytes.TrimSpace(said))
	}
	return nil
}
