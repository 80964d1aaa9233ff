// Wordcount counts the words of text files: the smallest program with Leat.
//
//	go run ./examples/wordcount -in 'docs/*.md' -out words
package main

import (
	"flag"
	"strings"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/text"
	"github.com/leatflow/leat/runner/command"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
)

// Word is a word and how often it occurs.
type Word struct {
	Word  string `leat:"word"`
	Count int64  `leat:"count"`
}

func main() {
	in := flag.String("in", "README.md", "text file, directory or pattern")
	out := flag.String("out", "words", "directory for the counts, new or empty")
	command.Main(func(p *leat.Pipeline) error {
		lines := leat.Read[string](p, "lines", text.Source{Path: *in})
		leat.Write(Count(lines), "counts", json.Sink{Dir: *out})
		return nil
	})
}

// Count counts the words of lines.
func Count(lines leat.PCollection[string]) leat.PCollection[Word] {
	words := leat.FlatMap(lines, "words", strings.FieldsSeq)
	byWord := leat.KeyBy(words, "by-word", field.Of(func(word *string) *string { return word }))
	counts := leat.Combine(byWord, "count", agg.Into(func(_ *string, w *Word) []agg.Term {
		return []agg.Term{agg.Key(&w.Word), agg.Count(&w.Count)}
	}))
	return leat.Values(counts)
}
