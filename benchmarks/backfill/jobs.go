package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/leatflow/leat/benchmarks/backfill/events"
)

// workload is what there is to know of a job apart from who does it.
type workload struct {
	name     string
	variants []string // of the input or of the program that reads it
	input    func(c Config, variant string) (string, error)
	side     func(c Config) (string, error) // a second input, or nil
	memory   int64                          // budget of every system, bytes; 0: all there is
	golden   golden
}

// workloads are the jobs in the order of the report.
var workloads = []workload{
	{
		name: "windows", variants: allVariants, input: flightsInput,
		golden: golden{
			"count(*), sum(count)::bigint, sum(delay_sum)::bigint, sum(delay_max)::bigint",
			map[int64][]int64{3_000_000: {961_484, 72_000_000, 480_086_472, 86_550_897}, 600_000: {779_743, 14_400_000, 95_599_224, 40_292_292}},
		},
	},
	{name: "scan", variants: allVariants, input: flightsInput},
	{name: "groupby", variants: allVariants, input: eventsInput},
	{
		name: "training", variants: allVariants, input: flightsInput,
		golden: golden{
			`count(*), sum(origin_count_6h)::bigint, sum(origin_delay_sum_24h)::bigint, sum(origin_late_count_1h)::bigint,
			sum(destination_count_24h)::bigint, sum(route_count_7d)::bigint, count(route_delay_last_7d), sum(route_delay_last_7d)::bigint`,
			map[int64][]int64{3_000_000: {3_000_000, 258_494_371, 7_302_799_989, 9_921_098, 998_907_964, 207_661_720, 2_995_477, 19_007_518}},
		},
	},
	{name: "features", variants: plain, input: readingsInput},
	{name: "join", variants: plain, input: joinInput, side: profilesInput, memory: 128 << 20},
	{name: "external", variants: plain, input: manyUsersInput, memory: 512 << 20},
}

// plain are the variants of a job that has no others.
var plain = []string{"plain"}

// jobNames lists the jobs.
func jobNames() []string {
	var names []string
	for _, w := range workloads {
		names = append(names, w.name)
	}
	return names
}

// lookUp finds a job; ok is false where there is none of the name or it has no
// such variant.
func lookUp(job, variant string) (w workload, ok bool) {
	for _, w := range workloads {
		if w.name == job {
			return w, slices.Contains(w.variants, variant)
		}
	}
	return w, false
}

// task makes the inputs of a job, if it must, and says what is to be done.
func (w workload) task(c Config, variant string) (Task, error) {
	t := Task{Job: w.name, Variant: variant, Memory: w.memory}
	var err error
	if t.Input, err = w.input(c, variant); err == nil && w.side != nil {
		t.Side, err = w.side(c)
	}
	return t, err
}

// flightsInput is the flights file or a copy with other names or types.
func flightsInput(c Config, variant string) (string, error) {
	if variant == "plain" || variant == "closure" {
		return c.Data, nil
	}
	base := filepath.Base(c.Data)
	path := filepath.Join(c.Cache, base[:len(base)-len(filepath.Ext(base))]+"-"+variant+".parquet")
	return path, convertFlights(c.Data, path, variant)
}

// eventsInput is the generated events; other types are columns of the same file.
func eventsInput(c Config, variant string) (string, error) {
	kind, table := "events", events.Purchases(events.Users)
	if variant == "renamed" {
		kind, table = "events-renamed", events.RenamedPurchases(events.Users)
	}
	path := filepath.Join(c.Cache, fmt.Sprintf("%s-%d.parquet", kind, c.Events))
	return path, events.Ensure(path, c.Events, table)
}

// joinInput is a quarter of the events, of as many users as have profiles.
func joinInput(c Config, _ string) (string, error) {
	rows := max(1, c.Events/4)
	path := filepath.Join(c.Cache, fmt.Sprintf("events-%d-of-%d.parquet", rows, profiles(c)))
	return path, events.Ensure(path, rows, events.Purchases(profiles(c)))
}

// profilesInput is what the events are joined with; neither fits the budget.
func profilesInput(c Config) (string, error) {
	path := filepath.Join(c.Cache, fmt.Sprintf("profiles-%d.parquet", profiles(c)))
	return path, events.Ensure(path, profiles(c), events.Profiles(profiles(c)))
}

func profiles(c Config) int64 { return max(1, c.Events/5) }

// manyUsersInput is five times the events, of a quarter as many users.
func manyUsersInput(c Config, _ string) (string, error) {
	rows := 5 * c.Events
	users := rows/4 + 1
	path := filepath.Join(c.Cache, fmt.Sprintf("events-%d-of-%d.parquet", rows, users))
	return path, events.Ensure(path, rows, events.Purchases(users))
}

// readingsInput is the generated readings of 20 floats, half as many as events.
func readingsInput(c Config, _ string) (string, error) {
	rows := max(1, c.Events/2)
	path := filepath.Join(c.Cache, fmt.Sprintf("readings-%d.parquet", rows))
	return path, events.Ensure(path, rows, events.Readings(min(events.Users, rows/10+1)))
}

// golden are numbers of a result that were computed apart from this program,
// by rows of input: what every system must give, DuckDB too.
type golden struct {
	columns string // of the result, bigint each
	want    map[int64][]int64
}

// check holds the result of a known input to its golden numbers.
func (g golden) check(db *sql.DB, input, folder string) error {
	if len(g.want) == 0 {
		return nil
	}
	var rows int64
	if err := db.QueryRow("select count(*) from read_parquet('" + input + "')").Scan(&rows); err != nil {
		return err
	}
	want, known := g.want[rows]
	if !known {
		return nil
	}
	got := make([]int64, len(want))
	into := make([]any, len(want))
	for i := range got {
		into[i] = &got[i]
	}
	if err := db.QueryRow("select " + g.columns + " from " + scan(folder)).Scan(into...); err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s: %s are %v, but must be %v", name(folder), g.columns, got, want)
	}
	return nil
}
