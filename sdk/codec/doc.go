// Package codec decides how a Go type becomes columns and key bytes: once, at
// construction, by reflection; at run time it is loops over columns.
//
// A row is an ordinary Go value. A struct becomes a struct column with one child
// per exported field, anything else a single column of its own kind:
//
//	type Flight struct {                     struct{
//		Date   time.Time  `leat:"date"`        date   time,
//		Delay  *int32     `leat:"delay"`       delay  int32?,
//		Route  Route      `leat:"route"`       route  struct{origin string, …},
//		Tags   []string   `leat:"tags"`        tags   list<string>
//		cache  any        `leat:"-"`         }
//	}
//
// A plan is made once of the type; Decode and Append then run one loop a column
// over a chunk of rows:
//
//	column delay  [ 12  -4  55 … ] ──▶ rows[0].Delay  rows[1].Delay  rows[2].Delay …
//	              values in a vector    at base + i·size + offset of the field
//
// A field without a tag has its Go name. A pointer is a nullable column. Fields
// that are embedded structs without a tag are flattened into their parent, as
// encoding/json does.
package codec
