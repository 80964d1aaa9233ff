// Package state holds what a stateful function remembers: cells and timers,
// declared as fields of the struct that leat.ParDo is given.
//
//	type session struct {
//		User  state.Key[string]        the key at hand
//		Total state.Value[int64]       a cell: one value for each key and window
//		Idle  state.EventTimer         calls OnTimer when event time gets there
//	}
//
// The central idea: a field is a column, not a map. The engine gives each key of
// each window a slot, a small integer, looks up the slots of a batch at once, and
// sets the slot of the row before it calls the function. Reading a cell is an
// index into a slice.
//
//	                     slot of the row
//	                          │
//	key "ann"  ─▶ id 0 ─▶ 0   ▼
//	key "bob"  ─▶ id 1 ─▶ 1   Total  [ 12 | 7 | 30 | … ]
//	key "eve"  ─▶ id 2 ─▶ 2   set      1    1   1
//
// State belongs to a key and a window. In the global window it stays until it is
// cleared; in any other it goes when the watermark passes the end of the window and
// the allowed lateness, and rows that come later are dropped and counted.
//
// A collection that every task should hold, and all rows consult (Flink calls it
// broadcast state), is a leat.Side field of the same struct.
//
// What a function does with rows as they come depends on the order of arrival, and
// what it does with timers between them on how far the watermark has come; on the
// batch plan that is not before all rows of the key were there. TimeSorted takes both
// away, so that a function gives the same on both plans.
//
// The name of a field, or of its tag `leat:"name"`, is the identity of the cell in
// a checkpoint.
//
// Cells copy what is written to them. What they give back belongs to the state: it
// must not be changed. All of it is valid within a call of the function only.
package state
