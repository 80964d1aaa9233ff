package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// polarsScript does the jobs; it runs in a process of its own as DuckDB and Leat
// do, and prints the same measurement.
//
//go:embed polars/jobs.py
var polarsScript string

//go:embed polars/requirements.txt
var polarsRequirements string

var polarsJobs = []string{"windows", "groupby", "training"}

// polars is a system only where Python and the pinned package can be had.
func polars() system {
	return system{
		name: "polars",
		does: func(job, variant string) bool { return variant == "plain" && slices.Contains(polarsJobs, job) },
		command: func(ctx context.Context, t Task) *exec.Cmd {
			child := exec.CommandContext(ctx, t.Python, "-c", polarsScript, t.Job, t.Input, filepath.Join(t.Output, "polars.parquet"))
			child.Env = append(os.Environ(), "POLARS_MAX_THREADS="+strconv.Itoa(t.Threads))
			return child
		},
	}
}

// pythonWithPolars makes a virtual environment in the folder, unless it is there
// already, and returns its Python.
func pythonWithPolars(ctx context.Context, folder string) (string, error) {
	environment := filepath.Join(folder, strings.ReplaceAll(strings.TrimSpace(polarsRequirements), "==", "-"))
	python := filepath.Join(environment, "bin", "python")
	if runtime.GOOS == "windows" {
		python = filepath.Join(environment, "Scripts", "python.exe")
	}
	if command(ctx, python, "-c", "import polars") == nil {
		return python, nil
	}
	requirements := filepath.Join(environment, "requirements.txt")
	err := command(ctx, "python3", "-m", "venv", environment)
	if err == nil {
		err = os.WriteFile(requirements, []byte(polarsRequirements), 0o644)
	}
	if err == nil {
		err = command(ctx, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements)
	}
	if err == nil {
		err = command(ctx, python, "-c", "import polars")
	}
	return python, err
}

// command runs a program; what it had to say on failure is in the error.
func command(ctx context.Context, name string, args ...string) error {
	var said bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout, c.Stderr = &said, &said
	if err := c.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		return errors.Join(fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args[:min(2, len(args))], " "), err, lines[len(lines)-1]), ctx.Err())
	}
	return nil
}

// withPolars finds or makes what Polars needs if a job asks for it, and says so
// in the report where that fails.
func withPolars(ctx context.Context, c Config) Config {
	for _, job := range c.Jobs {
		for _, s := range choose(c, job, "plain") {
			if s.name != "polars" {
				continue
			}
			python, err := pythonWithPolars(ctx, c.Venv)
			if err != nil {
				fmt.Fprintf(c.Out, "polars is left out: %v\n", err)
				c.withoutPolars = true
			}
			c.python = python
			return c
		}
	}
	return c
}
