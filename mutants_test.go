package repository

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mutant is a mistake planted into one file of the engine.
type mutant struct {
	name     string
	file     string
	old, new string
	tests    [][]string // arguments of go test
}

// The tests find mistakes: each mutant of testdata/mutants.txt, which is the
// repository with one mistake planted, fails one of its tests. The mutant is an
// overlay of the go command, so nothing is copied or changed.
//
// It takes minutes, so only that each can be planted is seen unless LEAT_MUTANTS is
// set, to all or to a part of the name of those to run.
func TestMutants(t *testing.T) {
	which := os.Getenv("LEAT_MUTANTS")
	all, err := readMutants("testdata/mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Errorf("there are only %d mutants", len(all))
	}
	for _, m := range all {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			overlay, err := m.overlay(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if which != "all" && (which == "" || !strings.Contains(m.name, which)) {
				return
			}
			started := time.Now()
			by, err := m.caught(t.Context(), overlay)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("caught by %s in %s", by, time.Since(started).Round(time.Second))
		})
	}
}

// caught says by what a mutant is caught, or that it is not.
func (m mutant) caught(ctx context.Context, overlay string) (by string, err error) {
	for _, args := range m.tests {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
		defer cancel()
		test := exec.CommandContext(ctx, "go", append([]string{"test", "-overlay", overlay, "-failfast", "-vet=off", "-timeout", "1m"}, args...)...)
		out, err := test.CombinedOutput()
		var exit *exec.ExitError
		switch {
		case err == nil:
			continue
		case !errors.As(err, &exit):
			return "", fmt.Errorf("%w\n%s", err, out)
		case bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")):
			return "", fmt.Errorf("it does not compile:\n%s", out)
		case !bytes.Contains(out, []byte("--- FAIL")) && !bytes.Contains(out, []byte("panic:")):
			return "", fmt.Errorf("the tests failed in an unexpected way:\n%s", out)
		}
		return strings.Join(args, " "), nil
	}
	return "", errors.New("no test fails")
}

// overlay writes the changed file and the description of what it stands for.
func (m mutant) overlay(dir string) (file string, err error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("the text to replace is %d times in %s, not once:\n%s", n, m.file, m.old)
	}
	at, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(dir, "mutant.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {at: changed}})
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}

// readMutants reads the list.
func readMutants(file string) (all []mutant, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(string(text), "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" || line[0] == '#':
			continue
		case key == "mutant":
			all = append(all, mutant{name: value})
			continue
		case len(all) == 0:
			return nil, fmt.Errorf("%s:%d: %q stands before the first mutant", file, i+1, line)
		}
		m := &all[len(all)-1]
		switch {
		case line[0] == '-':
			m.old = joinLines(m.old, line[1:])
		case line[0] == '+':
			m.new = joinLines(m.new, line[1:])
		case key == "file":
			m.file = value
		case key == "test":
			m.tests = append(m.tests, strings.Fields(value))
		default:
			return nil, fmt.Errorf("%s:%d: %q says nothing about a mutant", file, i+1, line)
		}
	}
	for _, m := range all {
		if m.file == "" || m.old == "" || m.old == m.new || len(m.tests) == 0 {
			return nil, fmt.Errorf("%s: mutant %q has no file, no text, no change or no test", file, m.name)
		}
	}
	return all, nil
}

func joinLines(a, b string) string {
	if a == "" {
		return b
	}
	return a + "\n" + b
}
