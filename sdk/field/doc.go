// Package field names fields of Go structs in a way the compiler checks: for
// keys, conditions and aggregate terms.
//
// The one central idea is the probe. A function that takes pointers is a
// description: it runs at construction, on a sample value called a probe, and
// the addresses it returns tell which columns are meant:
//
//	field.Of(func(e *Event) *string { return &e.UserID })
//	                 │                       └── address inside the probe ⇒ column user_id
//	                 └── a probe: every pointer field allocated, every leaf filled
//
// A description runs twice, on probes filled differently. One that branches on a
// value gives two different answers and is refused: it would describe something
// else for each row. So is a pointer that leads outside the probe.
package field
