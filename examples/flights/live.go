package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sync/errgroup"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/kafka"
	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/command"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
)

// Live runs the functions of the backfill, Delays and Examples, on the topics that
// Replay fills.
//
//	reports ────┬─▶ Delays ───▶ windows
//	            └─▶ Examples ─▶ training
//	departures ───────┘
type Live struct {
	Cluster  kafka.Cluster
	Topics   topics
	To       kafka.Position
	Disorder time.Duration // how far behind a later one a record of a partition may come, at the most
	Idle     time.Duration // how long windows wait for a partition without records; 0: for ever

	Size, Slide time.Duration // of the windows
	Lookbacks   []Lookback    // of the training set
}

// windows adds the pipeline that writes the windows.
func (l *Live) windows(p *leat.Pipeline, out connector.Sink) {
	reports := leat.Read(p, "reports", l.source(l.Topics.reports), leat.EventTime(Reported, l.order()))
	leat.Write(Delays(reports, l.Size, l.Slide), "windows", out)
}

// training adds the pipeline that writes the training set.
func (l *Live) training(p *leat.Pipeline, out connector.Sink) {
	scheduled := leat.EventTimeField(func(f *Flight) *time.Time { return &f.Date }, l.order())
	departures := leat.Read(p, "departures", l.source(l.Topics.departures), scheduled)
	landed := leat.Read(p, "landed", l.source(l.Topics.reports), leat.EventTime(Landed, l.order()))
	leat.Write(Examples(departures, landed, l.Lookbacks), "examples", out)
}

// build adds both pipelines, with the sinks of -out.
func (l *Live) build(p *leat.Pipeline, out string) {
	windows, training := l.outputs(out)
	l.windows(p, windows)
	l.training(p, training)
}

// order is what is declared of a partition.
func (l *Live) order() watermark.Generator {
	g := watermark.Disorder(l.Disorder)
	if l.Idle > 0 {
		g = g.IdleAfter(l.Idle)
	}
	return g
}

func (l *Live) source(topic string) kafka.Source {
	return kafka.Source{Cluster: l.Cluster, Topics: []string{topic}, Format: json.Format{}, To: l.To}
}

// outputs are the sinks of -out: directories below DIR, or topics that begin with
// what follows kafka:.
func (l *Live) outputs(out string) (windows, training connector.Sink) {
	if prefix, ok := strings.CutPrefix(out, "kafka:"); ok {
		to := func(name string) kafka.Sink {
			return kafka.Sink{Cluster: l.Cluster, Topic: prefix + "-" + name, Format: json.Format{}, KeyField: "origin", Create: &kafka.Create{}}
		}
		return to("windows"), to("training")
	}
	return sink(filepath.Join(out, "windows")), sink(filepath.Join(out, "training"))
}

func live(ctx context.Context, args []string) int {
	fs := flag.NewFlagSet("flights live", flag.ContinueOnError)
	brokers := fs.String("brokers", "", "host:port of some brokers, separated by commas (default a broker in this process, with what flights replay would send)")
	out := fs.String("out", "", "directory for the output, new or empty, or kafka:PREFIX for topics PREFIX-windows and PREFIX-training (default a new temporary directory)")
	toEnd := fs.Bool("to-end", false, "end where the topics end now, instead of waiting for more")
	in := fs.String("in", "", "without -brokers: Parquet file, directory or pattern of flights to replay (default the shipped sample of 600,000)")
	lengths := fs.String("windows", defaultLengths, "how far back reports count in the training set, in one or several windows")
	l := &Live{}
	fs.DurationVar(&l.Disorder, "disorder", time.Hour, "how far behind a later record another of its partition may come; one further behind is late")
	fs.DurationVar(&l.Idle, "idle", 0, "how long to wait for a partition that has no records (default for ever)")
	fs.DurationVar(&l.Size, "size", defaultSize, "length of a window")
	fs.DurationVar(&l.Slide, "slide", defaultSlide, "distance of the starts of windows")
	r := &Replay{}
	l.Topics.register(fs)
	r.register(fs)
	j := &job{}
	if code, ok := j.parse(fs, args); !ok {
		return code
	}
	r.Topics, r.Disorder = l.Topics, l.Disorder
	if j.Plan == "auto" { // topics that end are streams all the same
		j.Plan = "streaming"
	}
	return command.Code(func() (err error) {
		if l.Lookbacks, err = lookbacks(*lengths); err != nil {
			return &command.UsageError{Err: err}
		}
		if err := errors.Join(r.validate(), replayed(fs, *brokers)); err != nil {
			return err
		}
		if l.Idle < 0 {
			return &command.UsageError{Err: fmt.Errorf("-idle %s: it is 0 or more", l.Idle)}
		}
		if *toEnd && *brokers == "" && r.Speed > 0 {
			return &command.UsageError{Err: errors.New("-to-end with -speed and without -brokers: the topics are empty when the pipeline starts, so it would end at once")}
		}
		if *toEnd || *brokers == "" && r.Speed == 0 {
			l.To = kafka.End
		}
		if *out == "kafka:" {
			return &command.UsageError{Err: errors.New("-out kafka: names no topics; write for example kafka:flights, for topics flights-windows and flights-training")}
		}
		if !strings.HasPrefix(*out, "kafka:") {
			if *out, err = outputDir(*out, fs.Name(), j.Explain); err != nil {
				return err
			}
		}
		if *brokers != "" || j.Explain {
			l.Cluster.Brokers = strings.Split(cmp.Or(*brokers, "localhost:9092"), ",")
			return j.live(ctx, l, *out)
		}
		return j.embedded(ctx, l, r, input(*in), *out)
	}())
}

// replayed refuses flags of the replay beside brokers that somebody else fills.
func replayed(fs *flag.FlagSet, brokers string) error {
	var beside []string
	fs.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "in", "partitions", "speed", "late", "late-by", "seed":
			beside = append(beside, "-"+f.Name)
		}
	})
	if brokers == "" || beside == nil {
		return nil
	}
	return &command.UsageError{Err: fmt.Errorf("%s: with -brokers nothing is replayed; use flights replay for that", strings.Join(beside, ", "))}
}

func (j *job) live(ctx context.Context, l *Live, out string) error {
	return j.Run(ctx, os.Stdout, os.Stderr, func(p *leat.Pipeline) error {
		l.build(p, out)
		return nil
	})
}

// embedded replays into a broker in this process: first, when that goes as fast as
// possible, and beside the pipeline when it takes its time.
func (j *job) embedded(ctx context.Context, l *Live, r *Replay, in parquet.Source, out string) error {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return fmt.Errorf("a broker in this process: %w", err)
	}
	defer broker.Close()
	l.Cluster.Brokers = broker.ListenAddrs()
	p := &leat.Pipeline{}
	l.build(p, out)
	if _, err := p.Graph(); err != nil { // a mistake is found before anything is replayed
		return err
	}
	fmt.Printf("== flights replay -brokers %s\n", strings.Join(l.Cluster.Brokers, ","))
	if r.Speed == 0 {
		if err := r.Run(ctx, in, l.Cluster.Brokers, os.Stdout); err != nil {
			return err
		}
		fmt.Println("\n== flights live")
		return j.live(ctx, l, out)
	}
	if err := r.prepare(ctx, l.Cluster.Brokers); err != nil { // the pipeline wants to find the topics
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	reading, stop := context.WithCancel(ctx)
	group.Go(func() error {
		err := r.Run(reading, in, l.Cluster.Brokers, os.Stdout)
		if reading.Err() != nil && ctx.Err() == nil {
			return nil // the pipeline was stopped first
		}
		return err
	})
	group.Go(func() error {
		defer stop()
		return j.live(ctx, l, out)
	})
	return group.Wait()
}
