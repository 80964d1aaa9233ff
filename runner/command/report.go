package command

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/leatflow/leat/runner/local"
)

// report prints what a run has read and written, and how fast.
func report(w io.Writer, r *local.Result) {
	var rows int64
	for _, s := range r.Sources {
		rows += s.Rows
		fmt.Fprintf(w, "read   %-12s %12s rows%s from %s\n", s.Step, Count(s.Rows), stored(s.Bytes), s.Source)
	}
	for _, s := range r.Sinks {
		fmt.Fprintf(w, "wrote  %-12s %12s rows%s to %s%s\n", s.Step, Count(s.Rows), stored(s.Bytes), s.Sink, files(s.Files))
	}
	seconds := r.Elapsed.Seconds()
	how := "done   in"
	if r.Stopped {
		how = "stopped after"
	}
	fmt.Fprintf(w, "%s %s, %s rows/s, %s plan, at most %s of state and exchanges%s\n",
		how, r.Elapsed.Round(time.Millisecond), Count(int64(float64(rows)/seconds)), r.Plan, bytes(r.PeakMemory), spilled(r.Spilled))
	for _, n := range r.Notes() {
		fmt.Fprintf(w, "note   %s\n", n)
	}
}

func stored(n int64) string {
	if n <= 0 {
		return ""
	}
	return ", " + bytes(n)
}

// spilled says how much went to disk, if anything did.
func spilled(n int64) string {
	if n == 0 {
		return ""
	}
	return ", spilled " + bytes(n)
}

func files(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return ": " + names[0]
	}
	return fmt.Sprintf(": %s … (%d files)", names[0], len(names))
}

// Count renders a number with commas: 3,000,000.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// bytes renders a size: 13.5 MB.
func bytes(n int64) string {
	value, units := float64(n), "kMGT"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	unit := -1
	for value >= 1000 && unit < len(units)-1 {
		value /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %cB", value, units[unit])
}

// progress returns the function that shows progress and one that ends it.
func (f *Flags) progress(w io.Writer) (show func(local.Progress), finish func()) {
	mode := f.Progress
	if mode == "auto" || mode == "" {
		mode = "log"
		if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
			mode = "bar"
		}
	}
	switch mode {
	case "bar":
		return bar(w)
	case "log":
		return logged(w), func() {}
	}
	return nil, func() {}
}

// bar draws a progress bar over the bytes to read, or a spinner when they are
// not known.
func bar(w io.Writer) (show func(local.Progress), finish func()) {
	var b *progressbar.ProgressBar
	var notes notes
	show = func(p local.Progress) {
		if b == nil {
			b = progressbar.NewOptions64(max(p.Bytes, -1), progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true),
				progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(24))
		}
		if line := notes.next(p); line != "" { // above the bar, which is one line
			_ = b.Clear()
			fmt.Fprintln(w, line)
		}
		b.Describe(describe(p))
		_ = b.Set64(p.BytesRead) // a bar that cannot be drawn must not stop the job
	}
	return show, func() {
		if b != nil {
			_ = b.Clear()
		}
	}
}

// logged writes a line every five seconds.
func logged(w io.Writer) func(local.Progress) {
	log := slog.New(slog.NewTextHandler(w, nil))
	next := 5 * time.Second
	return func(p local.Progress) {
		if p.Elapsed < next {
			return
		}
		next = p.Elapsed + 5*time.Second
		fields := []any{"stage", stageOf(p), "rows_read", p.RowsRead, "rows_per_second", perSecond(p),
			"bytes_read", p.BytesRead, "eta", eta(p), "rows_out", p.RowsOut, "memory", bytes(p.Memory), "spilled", bytes(p.Spilled)}
		if at := slowest(p.Watermarks); !at.IsZero() {
			fields = append(fields, "watermark", at.Format(time.RFC3339), "lag", time.Since(at).Round(time.Millisecond).String())
		}
		if why := troubles(p); len(why) > 0 {
			fields = append(fields, "note", strings.Join(why, "; "))
		}
		log.Info("running", fields...)
	}
}

func describe(p local.Progress) string {
	parts := []string{"stage " + stageOf(p), Count(perSecond(p)) + " rows/s"}
	if p.RowsOut > 0 {
		parts = append(parts, Count(p.RowsOut)+" rows out")
	}
	if p.Spilled > 0 {
		parts = append(parts, bytes(p.Spilled)+" spilled")
	}
	if at := slowest(p.Watermarks); !at.IsZero() {
		parts = append(parts, "watermark "+at.Format("2006-01-02 15:04:05"))
	}
	return strings.Join(parts, ", ")
}

// notes says what troubles a stream, and again when that goes on for long.
type notes struct {
	said bool
	at   time.Duration // of the run
}

// notesEvery is how long a trouble goes on before it is said again.
const notesEvery = 30 * time.Second

func (n *notes) next(p local.Progress) string {
	why := troubles(p)
	if len(why) == 0 {
		n.said = false
		return ""
	}
	if n.said && p.Elapsed-n.at < notesEvery {
		return ""
	}
	n.said, n.at = true, p.Elapsed
	return "note   " + strings.Join(why, "; ")
}

// perSecond is the rate of reading: of the last seconds on the streaming plan, whose
// beginning says nothing about now, of the whole run in a batch plan.
func perSecond(p local.Progress) int64 {
	if p.Stage < 0 && len(p.Sources) > 0 {
		return int64(p.RowsPerSecond)
	}
	return int64(float64(p.RowsRead) / p.Elapsed.Seconds())
}

// standsAfter is how long a watermark may stand before that is worth a line.
const standsAfter = 5 * time.Second

// pressed is the share of its time from which on a step that is blocked is named.
const pressed = 0.2

// troubles says why nothing, or too little, comes out of a stream.
func troubles(p local.Progress) (lines []string) {
	if p.Stopping {
		lines = append(lines, "stopping: what was read is worked off")
	}
	dropped := int64(0)
	var slow *local.StepStatus
	for i, s := range p.Steps {
		dropped += s.Dropped
		if s.Pressure >= pressed {
			slow = &p.Steps[i] // the last one is next to the cause
		}
	}
	if dropped > 0 {
		lines = append(lines, Count(dropped)+" rows dropped as too late")
	}
	if slow != nil {
		lines = append(lines, fmt.Sprintf("step %q waits for those behind it %.0f %% of the time", slow.Step, 100*slow.Pressure))
	}
	if h := p.Held; h != nil && !p.Stopping && time.Since(h.Since) >= standsAfter {
		lines = append(lines, h.String())
	}
	return lines
}

// slowest returns the watermark that no step is behind; zero while one knows none.
func slowest(steps []local.StepWatermark) (least time.Time) {
	for i, s := range steps {
		if s.Time.IsZero() {
			return time.Time{}
		}
		if i == 0 || s.Time.Before(least) {
			least = s.Time
		}
	}
	return least
}

func stageOf(p local.Progress) string {
	if p.Stage < 0 {
		return "all"
	}
	return fmt.Sprintf("%d of %d", p.Stage+1, p.Stages)
}

// eta guesses when everything will have been read.
func eta(p local.Progress) string {
	if p.Bytes <= 0 || p.BytesRead <= 0 {
		return "unknown"
	}
	left := float64(p.Elapsed) * float64(p.Bytes-p.BytesRead) / float64(p.BytesRead)
	return time.Duration(left).Round(time.Second).String()
}
