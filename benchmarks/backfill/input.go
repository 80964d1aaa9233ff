package main

import (
	"fmt"
	"path/filepath"

	"github.com/leatflow/leat/benchmarks/backfill/events"
)

// input returns the file a job reads in a variant and makes it if it must:
// variants of the flights file are copies of it with other names or types.
func input(c Config, job, variant string) (string, error) {
	if job == "groupby" {
		renamed := variant == "renamed"
		kind := "events"
		if renamed {
			kind = "events-renamed"
		}
		path := filepath.Join(c.Cache, fmt.Sprintf("%s-%d.parquet", kind, c.Events))
		return path, events.Ensure(path, c.Events, renamed)
	}
	if variant == "plain" || variant == "closure" {
		return c.Data, nil
	}
	base := filepath.Base(c.Data)
	path := filepath.Join(c.Cache, base[:len(base)-len(filepath.Ext(base))]+"-"+variant+".parquet")
	return path, convertFlights(c.Data, path, variant)
}
