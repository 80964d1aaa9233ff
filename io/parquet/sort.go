package parquet

import (
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// The engine sorts the rows before they come here.
var _ connector.Sorting = Sink{}

// Order implements connector.Sorting.
func (s Sink) Order() []connector.SortKey {
	var keys []connector.SortKey
	for _, text := range s.SortBy {
		keys = append(keys, connector.ParseSortKey(text))
	}
	return keys
}

func (s Sink) validateSort(t *batch.Type) (errs []error) {
	for _, k := range s.Order() {
		if _, err := k.Path(t); err != nil {
			errs = append(errs, fmt.Errorf("parquet: SortBy: %w%s", err, connector.Closest(k.Column, fieldNames(t))))
		}
	}
	return errs
}
