package main

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // registers itself with database/sql
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// inputs are how DuckDB sees the input of each variant: under the plain names,
// so that one statement serves all. A projection that renames costs nothing.
var inputs = map[string]string{
	"flights/plain":   `read_parquet('${input}', file_row_number = true)`,
	"flights/renamed": `(select scheduled as date, minutes_late as delay, miles as distance, from_airport as origin, to_airport as destination, file_row_number from read_parquet('${input}', file_row_number = true))`,
	"flights/floats":  `(select date, delay, distance::bigint as distance, origin, destination, file_row_number from read_parquet('${input}', file_row_number = true))`,
	"readings/plain":  `read_parquet('${input}', file_row_number = true)`,
	"events/plain":    `read_parquet('${input}')`,
	"events/renamed":  `(select who as user_id, pieces as qty, amount as cents from read_parquet('${input}'))`,
	"events/floats":   `(select user_id, qty, cents_float as cents from read_parquet('${input}'))`,
}

// statement reads a file of sql/ and fills in its ${…}.
func statement(name string, t Task) (string, error) {
	text, err := sqlFiles.ReadFile(name)
	if err != nil {
		return "", err
	}
	values := map[string]string{
		"input":   t.Input,
		"output":  filepath.Join(t.Output, "duckdb.parquet"),
		"temp":    t.Output,
		"threads": strconv.Itoa(t.Threads),
		"side":    t.Side,
		"budget":  "",
		"int":     "int",
		"bigint":  "bigint",
	}
	if t.Memory > 0 {
		values["budget"] = fmt.Sprintf("set memory_limit = '%dKiB';", t.Memory>>10)
	}
	variant := t.Variant
	switch variant {
	case "closure": // the same data and answer, other Go
		variant = "plain"
	case "floats":
		values["int"], values["bigint"] = "double", "double"
	}
	for _, table := range []string{"flights", "events", "readings"} {
		values[table] = inputs[table+"/"+variant]
	}
	var unknown []string
	look := func(key string) string {
		if _, ok := values[key]; !ok {
			unknown = append(unknown, key)
		}
		return values[key]
	}
	filled := os.Expand(os.Expand(string(text), look), look)
	if len(unknown) > 0 {
		return "", fmt.Errorf("%s: nothing is known for ${%s}", name, strings.Join(unknown, "}, ${"))
	}
	return filled, nil
}

// openDuckDB opens a database in memory with one connection and the settings.
func openDuckDB(t Task) (*sql.DB, error) {
	settings, err := statement("sql/settings.sql", t)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(settings); err != nil {
		return nil, errors.Join(fmt.Errorf("settings.sql: %w", err), db.Close())
	}
	return db, nil
}

func prepareDuckDB(t Task, file string) (func(context.Context) error, error) {
	query, err := statement(file, t)
	if err != nil {
		return nil, err
	}
	db, err := openDuckDB(t)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if _, err := db.ExecContext(ctx, query); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		return nil
	}, nil
}

// explain writes the executed plan of one formulation. Names of folders are cut
// from it: they are this machine's.
func explain(t Task, file, target string) error {
	work := t.Output
	in := filepath.Dir(t.Input)
	if err := os.Chdir(in); err != nil {
		return err
	}
	t.Input = filepath.Base(t.Input)
	query, err := statement(file, t)
	if err != nil {
		return err
	}
	db, err := openDuckDB(t)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Exec(query); err != nil { // warm-up
		return fmt.Errorf("%s: %w", file, err)
	}
	var key, plan string
	if err := db.QueryRow("explain analyze "+query).Scan(&key, &plan); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	plan = strings.ReplaceAll(plan, work+string(filepath.Separator), "")
	return os.WriteFile(target, []byte(plan), 0o644)
}
