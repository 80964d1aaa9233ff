package local_test

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// TestConformance runs the cases of the Beam model: what goes in, in which order,
// and what must come out. Each runs with one task and with three, with batches of
// one row and of many, and on both plans where its input ends.
//
// LEAT_CONFORMANCE names a file, or a folder of files, of other cases to run instead.
func TestConformance(t *testing.T) {
	path := os.Getenv("LEAT_CONFORMANCE")
	if path == "" {
		path = "testdata/conformance/beam.json"
	}
	passed, failed := 0, 0
	for _, c := range loadBeam(t, path) {
		report := c.check(t)
		if report == "" {
			passed++
			continue
		}
		failed++
		fmt.Printf("FAIL %s (%s)\n%s", c.Name, c.Category, report)
		t.Errorf("%s failed", c.Name)
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
}

// check runs a case in every way it must hold and returns what was wrong in the
// first that failed, or "".
func (c *beamCase) check(t *testing.T) string {
	plans := []local.Plan{local.Streaming}
	if c.Bounded && !streamingOnly[c.Pipeline] {
		plans = append(plans, local.Batch)
	}
	for _, plan := range plans {
		for _, tasks := range []int{1, 3} {
			for _, rows := range []int{1, 4096} {
				o := local.Options{Plan: plan, Parallelism: tasks, BatchRows: rows}
				if wholeBundles[c.Pipeline] {
					o.BatchRows = 4096
				}
				if report := c.checkOne(t, o); report != "" {
					return fmt.Sprintf("  %s plan, parallelism %d, batches of %d\n%s", plan, tasks, rows, report)
				}
			}
		}
	}
	return ""
}

// checkOne runs a case once. One that panics or never ends has failed like any other.
func (c *beamCase) checkOne(t *testing.T, o local.Options) (report string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			report = fmt.Sprintf("  error: panic: %v\n%s", v, debug.Stack())
		}
	}()
	b := &beamRun{beamCase: c, p: &leat.Pipeline{}, batchPlan: o.Plan == local.Batch}
	if c.Transform == "custom" || c.Transform == "none" {
		return c.checkOutputs(ctx, b, o)
	}
	var panes memory.Collector[actualPane]
	if err := b.grouped(&panes); err != nil {
		return fmt.Sprintf("  error: %v\n", err)
	}
	if _, err := local.Run(ctx, b.p, o); err != nil {
		return fmt.Sprintf("  error: %v\n", err)
	}
	got := panes.Rows()
	if matching(c.Panes, got) {
		return ""
	}
	return "  expected\n" + lines(c.Panes) + "  actual\n" + lines(got)
}

func (c *beamCase) checkOutputs(ctx context.Context, b *beamRun, o local.Options) string {
	name := c.Pipeline
	if name == "" {
		name = c.Name // cases in words have no name of a pipeline
	}
	build := pipelineOf[name]
	if build == nil {
		return fmt.Sprintf("  error: there is no pipeline %q\n", name)
	}
	want := c.Outputs
	if own, there := outputsOf[name]; there && c.Transform == "none" {
		want = own
	}
	build(b)
	if b.err != nil {
		return fmt.Sprintf("  error: %v\n", b.err)
	}
	if _, err := local.Run(ctx, b.p, o); err != nil {
		return fmt.Sprintf("  error: %v\n", err)
	}
	got := b.out.Rows()
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if slices.Equal(got, want) {
		return ""
	}
	return "  expected\n" + lines(want) + "  actual\n" + lines(got)
}

func lines[T any](rows []T) string {
	var b strings.Builder
	var texts []string
	for _, r := range rows {
		texts = append(texts, fmt.Sprint(r))
	}
	slices.Sort(texts)
	for _, s := range texts {
		fmt.Fprintf(&b, "    %s\n", s)
	}
	if len(rows) == 0 {
		b.WriteString("    nothing\n")
	}
	return b.String()
}

// streamingOnly are pipelines that ask for results before the input has ended, which
// a batch plan gives at the end.
var streamingOnly = map[string]bool{"sdf_watermark": true}

// wholeBundles are pipelines that show how rows were cut into batches: a bundle of a
// case is one batch there.
var wholeBundles = map[string]bool{"lifecycle": true}
