// Package parquet reads and writes Parquet files: on a local disk, and from
// object storage through a bucket the caller opened.
//
// The one central idea: the row group is the unit of everything. A source gives
// one split for each row group that its filter cannot exclude; a sink encodes one
// row group at a time, in the background, and commits them in order.
//
//	data/                             splits, in this order
//	├── day=1/part-00000.parquet      part-00000.parquet[row group 0], [row group 1]
//	├── day=2/part-00000.parquet      part-00000.parquet[row group 0]
//	└── .leat-staging-…/              not read: names with '.' or '_' in front
//
// The format itself is in the package pages.
package parquet
