package service

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leatflow/leat/runner/local"
)

// Metric is one that /metrics shows. Names are stable: docs/metrics.md is the
// contract, and a test compares the two.
type Metric struct {
	Name   string
	Labels []string
	Help   string
	Type   string // counter or gauge
	desc   *prometheus.Desc
	kind   prometheus.ValueType
}

func metric(name, help string, labels ...string) *Metric {
	m := &Metric{Name: name, Labels: labels, Help: help, Type: "gauge", kind: prometheus.GaugeValue,
		desc: prometheus.NewDesc(name, help, labels, nil)}
	if n := len(name) - len("_total"); n > 0 && name[n:] == "_total" {
		m.Type, m.kind = "counter", prometheus.CounterValue
	}
	return m
}

// families are the metrics, and how they are had from a look at the run.
type families struct {
	run    []family[local.Progress]
	source []family[local.SourceStatus]
	split  []family[local.SplitStatus]
	step   []family[local.StepStatus]
}

// family is a metric and its value; ok is false where there is none.
type family[T any] struct {
	*Metric
	value func(T, time.Time) (v float64, ok bool)
}

func number[T any](m *Metric, value func(T) int64) family[T] {
	return family[T]{m, func(t T, _ time.Time) (float64, bool) { return float64(value(t)), true }}
}

func seconds[T any](m *Metric, value func(T) time.Duration) family[T] {
	return family[T]{m, func(t T, _ time.Time) (float64, bool) { return value(t).Seconds(), true }}
}

func flag[T any](m *Metric, value func(T) bool) family[T] {
	return number(m, func(t T) int64 {
		if value(t) {
			return 1
		}
		return 0
	})
}

// moment is a time since the epoch, absent when it is not known.
func moment[T any](m *Metric, value func(T) time.Time) family[T] {
	return family[T]{m, func(t T, _ time.Time) (float64, bool) {
		at := value(t)
		return float64(at.UnixMicro()) / 1e6, !at.IsZero()
	}}
}

// lag is how far a time is behind the clock.
func lag[T any](m *Metric, value func(T) time.Time) family[T] {
	return family[T]{m, func(t T, now time.Time) (float64, bool) {
		at := value(t)
		return now.Sub(at).Seconds(), !at.IsZero()
	}}
}

var all = families{
	run: []family[local.Progress]{
		seconds(metric("leat_run_seconds", "Time since the run began."), func(p local.Progress) time.Duration { return p.Elapsed }),
		flag(metric("leat_ready", "1 while every task runs."), func(p local.Progress) bool { return p.Ready }),
		flag(metric("leat_stopping", "1 when the run was told to stop."), func(p local.Progress) bool { return p.Stopping }),
		number(metric("leat_memory_bytes", "State, rows that wait in exchanges and in sinks."), func(p local.Progress) int64 { return p.Memory }),
		number(metric("leat_spilled_bytes_total", "Written to the spill directory."), func(p local.Progress) int64 { return p.Spilled }),
		seconds(metric("leat_task_working_seconds", "The longest that a task has been at work on one batch by now."), func(p local.Progress) time.Duration { return p.Working }),
	},
	source: []family[local.SourceStatus]{
		number(metric("leat_source_rows_total", "Rows read.", "step"), func(s local.SourceStatus) int64 { return s.Rows }),
		number(metric("leat_source_bad_records_total", "Records that could not be decoded.", "step"), func(s local.SourceStatus) int64 { return s.BadRecords }),
		number(metric("leat_source_ahead_rows_total", "Rows and watermarks too far ahead of the clock to count for the watermark.", "step"), func(s local.SourceStatus) int64 { return s.Ahead }),
		number(metric("leat_source_watermark_back_total", "Watermarks that went back and were ignored.", "step"), func(s local.SourceStatus) int64 { return s.WentBack }),
		number(metric("leat_source_splits", "Splits, such as partitions, that are read at the moment.", "step"), func(s local.SourceStatus) int64 { return int64(len(s.Splits)) }),
	},
	split: []family[local.SplitStatus]{
		number(metric("leat_split_rows_total", "Rows read from a split.", "step", "split"), func(s local.SplitStatus) int64 { return s.Rows }),
		moment(metric("leat_split_last_rows_timestamp_seconds", "When the split gave rows last; absent before the first.", "step", "split"), func(s local.SplitStatus) time.Time { return s.LastRows }),
		moment(metric("leat_split_watermark_timestamp_seconds", "Watermark of the split; absent while it has said nothing.", "step", "split"), func(s local.SplitStatus) time.Time { return s.Watermark }),
		flag(metric("leat_split_idle", "1 while the others do not wait for the split.", "step", "split"), func(s local.SplitStatus) bool { return s.Idle }),
	},
	step: []family[local.StepStatus]{
		number(metric("leat_step_rows_in_total", "Rows that came into the step.", "step"), func(s local.StepStatus) int64 { return s.RowsIn }),
		number(metric("leat_step_rows_out_total", "Rows of the step's main output.", "step"), func(s local.StepStatus) int64 { return s.RowsOut }),
		number(metric("leat_step_batches_in_total", "Batches that came into the step.", "step"), func(s local.StepStatus) int64 { return s.Batches }),
		number(metric("leat_step_dropped_rows_total", "Rows too late for every window.", "step"), func(s local.StepStatus) int64 { return s.Dropped }),
		number(metric("leat_step_state_bytes", "State the step holds.", "step"), func(s local.StepStatus) int64 { return s.State }),
		number(metric("leat_step_sent_bytes_total", "Sent to other tasks, as in memory.", "step"), func(s local.StepStatus) int64 { return s.BytesSent }),
		seconds(metric("leat_step_busy_seconds_total", "Time spent in the step itself, all tasks together.", "step"), func(s local.StepStatus) time.Duration { return s.Busy }),
		seconds(metric("leat_step_blocked_seconds_total", "Time in which the step could not send, because the tasks behind it are full, all tasks together.", "step"), func(s local.StepStatus) time.Duration { return s.Blocked }),
		moment(metric("leat_step_watermark_timestamp_seconds", "Watermark behind the step; absent while nothing is known.", "step"), func(s local.StepStatus) time.Time { return s.Watermark }),
		lag(metric("leat_step_watermark_lag_seconds", "How far the watermark behind the step is behind the clock.", "step"), func(s local.StepStatus) time.Time { return s.Watermark }),
		moment(metric("leat_step_watermark_since_timestamp_seconds", "When the watermark came where it is.", "step"), func(s local.StepStatus) time.Time { return s.Since }),
		flag(metric("leat_step_idle", "1 while nothing comes out of the step and nobody waits for it.", "step"), func(s local.StepStatus) bool { return s.Idle }),
	},
}

// Metrics returns what /metrics shows besides the metrics of the Go runtime and the
// process, which keep the names that client_golang gives them.
func Metrics() (list []Metric) {
	list = appendMetrics(list, all.run)
	list = appendMetrics(list, all.source)
	list = appendMetrics(list, all.split)
	return appendMetrics(list, all.step)
}

func appendMetrics[T any](list []Metric, of []family[T]) []Metric {
	for _, f := range of {
		list = append(list, *f.Metric)
	}
	return list
}

// collector makes metrics of one look at the run.
type collector struct{ service *Service }

// Describe implements prometheus.Collector.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range Metrics() {
		to <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	p, ok := c.service.now()
	if !ok {
		return
	}
	now := time.Now()
	collect(to, all.run, p, now)
	for _, s := range p.Sources {
		collect(to, all.source, s, now, s.Step)
		for _, split := range s.Splits {
			collect(to, all.split, split, now, s.Step, split.Split)
		}
	}
	for _, s := range p.Steps {
		collect(to, all.step, s, now, s.Step)
	}
}

func collect[T any](to chan<- prometheus.Metric, of []family[T], t T, now time.Time, labels ...string) {
	for i, l := range labels { // a topic's name is bytes
		labels[i] = strings.ToValidUTF8(l, "\ufffd")
	}
	for _, f := range of {
		if v, ok := f.value(t, now); ok {
			to <- prometheus.MustNewConstMetric(f.desc, f.kind, v, labels...)
		}
	}
}
