package events

import "github.com/parquet-go/parquet-go"

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

func schema(renamed bool) *parquet.Schema {
	if renamed {
		return parquet.SchemaOf(renamedRow{})
	}
	return parquet.SchemaOf(row{})
}
