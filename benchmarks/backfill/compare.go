package main

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// compare reports how the result in folder b differs from that in a: columns,
// types, and rows as multisets, values to the bit. Order and files do not count.
func compare(db *sql.DB, a, b string) error {
	left, err := columns(db, a)
	if err != nil {
		return err
	}
	right, err := columns(db, b)
	if err != nil {
		return err
	}
	if strings.Join(left, ", ") != strings.Join(right, ", ") {
		return fmt.Errorf("columns differ: %s has %s, %s has %s", name(a), strings.Join(left, ", "), name(b), strings.Join(right, ", "))
	}
	rows := func(folder string) string {
		exact := make([]string, len(left))
		for i, column := range left {
			exact[i] = expression(column)
		}
		return "select " + strings.Join(exact, ", ") + " from " + scan(folder)
	}
	return errors.Join(missing(db, rows(a), rows(b), name(a), name(b)), missing(db, rows(b), rows(a), name(b), name(a)))
}

// columns lists the result's columns by name with their types. A timestamp is
// one whether it says UTC or leaves the zone open.
func columns(db *sql.DB, folder string) ([]string, error) {
	rows, err := db.Query("select column_name || ' ' || replace(column_type, ' WITH TIME ZONE', '') from (describe select * from " + scan(folder) + ") order by 1")
	if err != nil {
		return nil, fmt.Errorf("result of %s: %w", name(folder), err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var column string
		if err := rows.Scan(&column); err != nil {
			return nil, err
		}
		all = append(all, column)
	}
	return all, rows.Err()
}

// expression makes equal mean equal: timestamps as microseconds.
func expression(column string) string {
	column, kind, _ := strings.Cut(column, " ")
	if kind == "TIMESTAMP" {
		return fmt.Sprintf("epoch_us(%q)", column)
	}
	return fmt.Sprintf("%q", column)
}

// missing reports rows of a that b lacks, one of them as an example.
func missing(db *sql.DB, a, b, nameA, nameB string) error {
	var n int64
	var example sql.NullString
	query := "with lost as (" + a + " except all " + b + ") select count(*), any_value(lost)::varchar from lost"
	if err := db.QueryRow(query).Scan(&n, &example); err != nil {
		return fmt.Errorf("compare %s with %s: %w", nameA, nameB, err)
	}
	if n > 0 {
		return fmt.Errorf("%d rows of %s are not in %s, among them %s", n, nameA, nameB, example.String)
	}
	return nil
}

func scan(folder string) string { return "read_parquet('" + folder + "/**/*.parquet')" }

func name(folder string) string { return filepath.Base(folder) }
