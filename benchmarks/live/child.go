package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Brokers and generators are processes of their own, so that the CPU time of this
// one is that of the pipeline. They are this program again:
//
//	live serve        a kfake broker; says its address and stays until its input ends
//	live send JSON    one generator; says how late it was at the most

// served is a kfake broker in another process.
type served struct {
	address string
	stop    func()
}

// serve starts one.
func serve(ctx context.Context) (*served, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	child := exec.CommandContext(ctx, program, "serve")
	child.Stderr = os.Stderr
	in, err := child.StdinPipe() // its end tells the child to stop
	if err != nil {
		return nil, err
	}
	out, err := child.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := child.Start(); err != nil {
		return nil, err
	}
	stop := func() {
		in.Close()
		_ = child.Wait() // it has nothing to tell
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return nil, fmt.Errorf("the broker did not start: %w", err)
	}
	return &served{strings.TrimSpace(address), stop}, nil
}

// serving is the child's side.
func serving() error {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return err
	}
	defer cluster.Close()
	fmt.Println(cluster.ListenAddrs()[0])
	// Ctrl-C reaches the whole group; the parent says when it needs this no more.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// order is a sending as the child gets it.
type order struct {
	Brokers                       []string
	Topic                         string
	Start, Rate, Partitions, Keys int64
	Events                        int64
	Paced                         bool
}

// sendApart runs send in another process.
func sendApart(ctx context.Context, s sending) (time.Duration, error) {
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	text, err := json.Marshal(order{s.brokers, s.topic, s.stream.start, s.stream.rate, s.stream.partitions, s.stream.keys, s.events, s.paced})
	if err != nil {
		return 0, err
	}
	child := exec.CommandContext(ctx, program, "send", string(text))
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return 0, fmt.Errorf("the generator: %w", err)
	}
	return time.ParseDuration(strings.TrimSpace(string(out)))
}

// sendingApart is the child's side.
func sendingApart(ctx context.Context, text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	late, err := send(ctx, sending{o.Brokers, o.Topic, stream{o.Start, o.Rate, o.Partitions, o.Keys}, o.Events, o.Paced})
	if err != nil {
		return err
	}
	fmt.Println(late)
	return nil
}
