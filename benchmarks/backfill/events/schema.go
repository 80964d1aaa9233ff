package events

import (
	"fmt"

	"github.com/parquet-go/parquet-go"
)

// Table is a generated table: its columns and its rows, each a function of its
// position.
type Table struct {
	schema *parquet.Schema
	// begin returns what gives the next row of a row group, its values in the
	// order of the columns, in a slice that is used again.
	begin func(group int) func() []parquet.Value
}

// row and renamedRow are the schema as parquet-go takes it: nullable columns
// without a null, as most writers declare them.
type row struct {
	UserID     *string  `parquet:"user_id,optional,dict"`
	ItemID     *string  `parquet:"item_id,optional,dict"`
	Type       *string  `parquet:"event_type,optional,dict"`
	Cents      *int64   `parquet:"cents,optional"`
	CentsFloat *float64 `parquet:"cents_float,optional"`
	Qty        *int32   `parquet:"qty,optional,dict"`
	At         *int64   `parquet:"at,timestamp(microsecond:local),optional"`
}

type renamedRow struct {
	UserID     *string  `parquet:"who,optional,dict"`
	ItemID     *string  `parquet:"what,optional,dict"`
	Type       *string  `parquet:"how,optional,dict"`
	Cents      *int64   `parquet:"amount,optional"`
	CentsFloat *float64 `parquet:"amount_float,optional"`
	Qty        *int32   `parquet:"pieces,optional,dict"`
	At         *int64   `parquet:"happened,timestamp(microsecond:local),optional"`
}

// Purchases are events of so many users.
func Purchases(users int64) Table {
	return Table{parquet.SchemaOf(row{}), func(group int) func() []parquet.Value { return purchases(group, users) }}
}

// RenamedPurchases are the same under other names, for the run that shows that
// no name is known to the engine.
func RenamedPurchases(users int64) Table {
	return Table{parquet.SchemaOf(renamedRow{}), func(group int) func() []parquet.Value { return purchases(group, users) }}
}

func purchases(group int, users int64) func() []parquet.Value {
	g := NewGroup(group, users)
	var values [7]parquet.Value
	return func() []parquet.Value {
		e := g.Next()
		values = [...]parquet.Value{
			parquet.ByteArrayValue([]byte(e.UserID)), parquet.ByteArrayValue([]byte(e.ItemID)), parquet.ByteArrayValue([]byte(e.Type)),
			parquet.Int64Value(e.Cents), parquet.DoubleValue(e.CentsFloat), parquet.Int32Value(e.Qty), parquet.Int64Value(e.At.UnixMicro()),
		}
		return values[:]
	}
}

// FeatureCount is how many float-valued columns Readings have: f01, f02, …
const FeatureCount = 20

// Readings are user_id, at and FeatureCount floats.
func Readings(users int64) Table {
	columns := parquet.Group{
		"user_id": parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary)),
		"at":      parquet.Optional(parquet.TimestampAdjusted(parquet.Microsecond, false)),
	}
	for i := range FeatureCount {
		columns[fmt.Sprintf("f%02d", i+1)] = parquet.Optional(parquet.Leaf(parquet.DoubleType))
	}
	return Table{parquet.NewSchema("readings", columns), func(group int) func() []parquet.Value {
		g := NewGroup(group, users)
		var values [FeatureCount + 2]parquet.Value // by name: at, f01 …, user_id
		return func() []parquet.Value {
			r := g.NextReading()
			values[0], values[FeatureCount+1] = parquet.Int64Value(r.At.UnixMicro()), parquet.ByteArrayValue([]byte(r.UserID))
			for i, f := range r.Features {
				values[i+1] = parquet.DoubleValue(f)
			}
			return values[:]
		}
	}}
}

// profileRow is what is known of a user.
type profileRow struct {
	UserID  *string  `parquet:"user_id,optional"`
	Country *string  `parquet:"country,optional,dict"`
	Since   *int64   `parquet:"since,timestamp(microsecond:local),optional"`
	Score1  *float64 `parquet:"score1,optional"`
	Score2  *float64 `parquet:"score2,optional"`
	Score3  *float64 `parquet:"score3,optional"`
	Score4  *float64 `parquet:"score4,optional"`
	Score5  *float64 `parquet:"score5,optional"`
	Score6  *float64 `parquet:"score6,optional"`
	Score7  *float64 `parquet:"score7,optional"`
	Score8  *float64 `parquet:"score8,optional"`
}

// Profiles are a row for each of so many users.
func Profiles(users int64) Table {
	return Table{parquet.SchemaOf(profileRow{}), func(group int) func() []parquet.Value {
		g := NewGroup(group, users)
		var values [11]parquet.Value
		return func() []parquet.Value {
			p := g.NextProfile()
			values[0], values[1], values[2] = parquet.ByteArrayValue([]byte(p.UserID)), parquet.ByteArrayValue([]byte(p.Country)), parquet.Int64Value(p.Since.UnixMicro())
			for i, s := range p.Scores {
				values[i+3] = parquet.DoubleValue(s)
			}
			return values[:]
		}
	}}
}
