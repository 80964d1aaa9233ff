// Package secret says where passwords and tokens are to be had, for connectors
// that log in somewhere. A value of it may be printed, logged and marshalled: the
// secret itself is never in it.
package secret

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
)

// Secret says where a password or token is to be had: a file or an environment
// variable. It is read whenever somebody logs in, so that a file whose content
// changes is followed without a restart, and it is printed as *** by everything
// that prints.
type Secret struct {
	file string
	env  string
}

// File takes a secret from a file; a newline at its end is not part of it.
func File(path string) Secret { return Secret{file: path} }

// Env takes a secret from an environment variable.
func Env(name string) Secret { return Secret{env: name} }

const masked = "***"

// String implements fmt.Stringer.
func (Secret) String() string { return masked }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return masked }

// Format implements fmt.Formatter: whatever the verb, nothing is shown.
func (Secret) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, masked) }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML use.
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s == Secret{} }

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Validate finds a secret that was given where its place was asked for. what names
// it for messages, such as password.
func (s Secret) Validate(what string) error {
	if s.env != "" && !variableName.MatchString(s.env) {
		return fmt.Errorf("the %s takes the name of an environment variable; what it got is none, and is not shown since it may be the secret itself", what)
	}
	return nil
}

// Read returns the secret. Errors name its place, never its value.
func (s Secret) Read(what string) (string, error) {
	if s.env != "" {
		if err := s.Validate(what); err != nil {
			return "", err
		}
		value := os.Getenv(s.env)
		if value == "" {
			return "", fmt.Errorf("the %s is to come from the environment variable %s, which is not set", what, s.env)
		}
		return value, nil
	}
	if s.file == "" {
		return "", fmt.Errorf("there is no %s; give it as a file or an environment variable", what)
	}
	raw, err := os.ReadFile(s.file)
	if err != nil {
		return "", s.unreadable(what, err)
	}
	value := strings.TrimRight(string(raw), "\r\n")
	if value == "" {
		return "", fmt.Errorf("the %s file %s is empty", what, s.file)
	}
	return value, nil
}

// unreadable says why a file could not be read. Its name is shown only when it
// looks like a path: somebody may have given the secret in its place.
func (s Secret) unreadable(what string, err error) error {
	if cause, ok := errors.AsType[*os.PathError](err); ok {
		err = cause.Err
	}
	if !strings.ContainsAny(s.file, `/\.`) {
		return fmt.Errorf("the %s takes the path of a file; there is none where it points (not shown, since it may be the secret itself): %w", what, err)
	}
	return fmt.Errorf("the %s file %s cannot be read: %w", what, s.file, err)
}
