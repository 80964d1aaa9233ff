package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/leatflow/leat/benchmarks/backfill/figures"
)

// printReport prints the systems of one job as a table (Markdown). The ratio is the
// time of DuckDB's fastest formulation over the system's: above 1 is faster
// than DuckDB.
func printReport(out io.Writer, results []Result) {
	if len(results) == 0 {
		return
	}
	best := bestDuckDB(results)
	first := results[0]
	fmt.Fprintf(out, "\n%s, %s, %d thread(s): %d rows, all systems equal\n\n", first.Job, first.Variant, first.Threads, first.Rows)
	fmt.Fprintln(out, "| system | median s | min – max | CPU s | peak MB | process s | × DuckDB's best |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|")
	for _, r := range results {
		ratio := "–"
		if best > 0 {
			ratio = fmt.Sprintf("%.2f", best.Seconds()/r.Wall.Seconds())
		}
		fmt.Fprintf(out, "| %s | %.3f | %.3f – %.3f | %.3f | %d | %.3f | %s |\n", r.System,
			r.Wall.Seconds(), r.Min.Seconds(), r.Max.Seconds(), r.CPU.Seconds(), r.Peak>>20, r.Process.Seconds(), ratio)
	}
}

// recorded are the results of one job as figures.
func recorded(results []Result) []figures.Figure {
	best := bestDuckDB(results)
	var all []figures.Figure
	for _, r := range results {
		f := figures.Figure{Job: r.Job, Variant: r.Variant, Threads: r.Threads, System: r.System,
			Seconds: rounded(r.Wall.Seconds()), CPU: rounded(r.CPU.Seconds()), MB: r.Peak >> 20}
		if best > 0 {
			f.Ratio = rounded(best.Seconds() / r.Wall.Seconds())
		}
		all = append(all, f)
	}
	return all
}

func rounded(x float64) float64 { return math.Round(x*1000) / 1000 }

func bestDuckDB(results []Result) time.Duration {
	var best time.Duration
	for _, r := range results {
		if strings.HasPrefix(r.System, "duckdb/") && r.System != "duckdb/"+unbounded && (best == 0 || r.Wall < best) {
			best = r.Wall
		}
	}
	return best
}
