package main

import (
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// quiet is how long work may take before progress is shown.
const quiet = 700 * time.Millisecond

// progress shows how many rows were read, on a terminal and nowhere else.
type progress struct {
	Rows atomic.Int64 // counted up by who reads

	what chan string
	done chan struct{}
}

// newProgress starts showing progress on w, out of total rows. Stop must be called.
func newProgress(w io.Writer, total int64) *progress {
	p := &progress{what: make(chan string, 8), done: make(chan struct{})}
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		go p.ignore()
		return p
	}
	go p.show(file, total)
	return p
}

// Phase says what is being done.
func (p *progress) Phase(what string) { p.what <- what }

// Stop removes the line.
func (p *progress) Stop() {
	close(p.what)
	<-p.done
}

func (p *progress) ignore() {
	defer close(p.done)
	for range p.what {
	}
}

// show draws a bar for every phase that lasts. A bar that cannot be drawn is no
// reason to stop, so errors of the library are dropped.
func (p *progress) show(w io.Writer, total int64) {
	defer close(p.done)
	var bar *progressbar.ProgressBar
	what, start := "reading", time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case next, ok := <-p.what:
			if !ok {
				if bar != nil {
					_ = bar.Clear()
				}
				return
			}
			what = next
		case <-tick.C:
			if time.Since(start) < quiet {
				continue
			}
			if bar == nil {
				bar = progressbar.NewOptions64(max(total, 1), progressbar.OptionSetWriter(w), progressbar.OptionShowCount(),
					progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(24))
			}
			bar.Describe(what)
			// Rows that differ are read twice: the bar then stays full.
			_ = bar.Set64(min(p.Rows.Load(), max(total-1, 0)))
		}
	}
}
