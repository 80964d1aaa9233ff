// Package leat is the API in which pipelines are written: typed collections and
// the transforms between them. It builds a graph and runs nothing; a runner
// (runner/local, or runner/command for a whole program) does that.
//
// The one central idea: a transform is typed for the user and untyped for the
// engine. A call checks everything that can be checked, then adds a node that
// takes batches of columns and gives batches of columns:
//
//	leat.Map[A, B](in, "name", f)
//	                 │
//	  columns ──decode──▶ []A ──f──▶ []B ──encode──▶ columns      chunks of 256 rows
//
// Every transform is a function: inputs first, then a name, then a function or
// description, options last.
//
//	p := &leat.Pipeline{}
//	lines := leat.Read[string](p, "lines", text.Source{Path: "*.txt"})
//	words := leat.FlatMap(lines, "words", strings.FieldsSeq)
//	byWord := leat.KeyBy(words, "by-word", field.Of(func(w *string) *string { return w }))
//	counts := leat.Combine(byWord, "count", agg.Into(func(_ *string, n *int64) []agg.Term {
//		return []agg.Term{agg.Count(n)}
//	}))
//	leat.Write(counts, "out", json.Sink{Dir: "counts"})
//	result, err := local.Run(ctx, p, local.Options{})
//
// One rule tells two worlds apart. A function that takes a value runs for each
// row. A function that takes pointers is a description: it runs at construction
// on sample values, from which the engine learns the columns that are read and
// written; descriptions run column by column, and only they are pushed down.
//
// Mistakes at construction are collected on the pipeline with the file and line
// of the call and returned all together when it is run; a step behind one with a
// mistake is checked for its own. Construction reads no clock, environment or
// file. A pipeline is built by one goroutine. What the compiler says of types that
// do not fit is explained in docs/compile-errors.md.
//
// In a running job, a panic or error of the user's code names the step, the row
// and the place in the code, and ends the job.
package leat
