package main

import (
	"fmt"
	"io"
	"strings"
	"time"
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

func bestDuckDB(results []Result) time.Duration {
	var best time.Duration
	for _, r := range results {
		if strings.HasPrefix(r.System, "duckdb/") && r.System != "duckdb/"+unbounded && (best == 0 || r.Wall < best) {
			best = r.Wall
		}
	}
	return best
}
