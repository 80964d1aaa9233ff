package figures

import (
	"bytes"
	"fmt"
	"html"
	"slices"
	"strings"
)

const (
	width     = 760
	rowHeight = 20
	barHeight = 13
	barLeft   = 150 // where bars begin
	barMost   = 400 // the length of a job's slowest
	margin    = 16
)

// style colours bars by system. Colours are of middle brightness, so that they
// stand out from white and from black; texts follow the reader's choice.
const style = `<style>
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.job { font-weight: 600; font-size: 14px; }
.note { fill: #59636e; }
.leat { fill: #d9480f; }
.duckdb { fill: #b08c00; }
.floor { fill: #7d8590; }
.polars { fill: #2f81f7; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .note { fill: #9198a1; }
}
</style>
`

// Draw draws the figures of plain inputs with the most threads there are: for
// each job a bar a system, as long as its time, scaled to the job's slowest.
func Draw(all []Figure) []byte {
	threads := 0
	for _, f := range all {
		threads = max(threads, f.Threads)
	}
	var jobs []string
	byJob := map[string][]Figure{}
	for _, f := range all {
		if f.Variant != "plain" || f.Threads != threads {
			continue
		}
		if byJob[f.Job] == nil {
			jobs = append(jobs, f.Job)
		}
		byJob[f.Job] = append(byJob[f.Job], f)
	}
	var body bytes.Buffer
	y := margin
	for _, job := range jobs {
		y = drawJob(&body, job, byJob[job], y)
	}
	fmt.Fprintf(&body, `<text class="note" x="%d" y="%d">seconds with %d threads, peak memory, and DuckDB's best time over the system's; shorter is better</text>`+"\n", margin, y+12, threads)
	height := y + 12 + margin
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Times of batch jobs by system">`+"\n", width, height, width, height)
	out.WriteString(style)
	out.Write(body.Bytes())
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// drawJob draws one job from y on, fastest first, and returns where the next begins.
func drawJob(out *bytes.Buffer, job string, figures []Figure, y int) int {
	slices.SortStableFunc(figures, func(a, b Figure) int {
		switch {
		case a.Seconds < b.Seconds:
			return -1
		case a.Seconds > b.Seconds:
			return 1
		}
		return strings.Compare(a.System, b.System)
	})
	slowest := figures[len(figures)-1].Seconds
	fmt.Fprintf(out, `<text class="job" x="%d" y="%d">%s</text>`+"\n", margin, y+14, html.EscapeString(job))
	y += rowHeight
	for _, f := range figures {
		length := max(1, f.Seconds/slowest*barMost)
		kind, _, _ := strings.Cut(f.System, "/")
		fmt.Fprintf(out, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", barLeft-8, y+14, html.EscapeString(f.System))
		fmt.Fprintf(out, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`+"\n", html.EscapeString(kind), barLeft, y+3, length, barHeight)
		label := fmt.Sprintf("%s s, %d MB", seconds(f.Seconds), f.MB)
		if f.Ratio > 0 {
			label += fmt.Sprintf(", %.2g ×", f.Ratio)
		}
		fmt.Fprintf(out, `<text x="%.1f" y="%d">%s</text>`+"\n", barLeft+length+6, y+14, label)
		y += rowHeight
	}
	return y + margin
}

// seconds has three digits that count.
func seconds(s float64) string {
	switch {
	case s >= 99.5:
		return fmt.Sprintf("%.0f", s)
	case s >= 9.95:
		return fmt.Sprintf("%.1f", s)
	case s >= 0.995:
		return fmt.Sprintf("%.2f", s)
	}
	return fmt.Sprintf("%.3f", s)
}
