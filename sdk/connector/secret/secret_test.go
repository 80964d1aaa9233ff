package secret_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/connector/secret"
)

const canary = "hunter2canary"

func TestNothingShows(t *testing.T) {
	// Whatever prints a secret, or the error of one given in place of its place,
	// shows neither.
	t.Setenv("LEAT_TEST_SECRET", canary)
	for _, s := range []secret.Secret{secret.Env("LEAT_TEST_SECRET"), secret.Env(canary + "!"), secret.File(canary)} {
		marshalled, err := json.Marshal(map[string]any{"s": s})
		if err != nil {
			t.Fatal(err)
		}
		var logged strings.Builder
		slog.New(slog.NewTextHandler(&logged, nil)).Info("login", "secret", s)
		_, unread := secret.Secret{}.Read("password")
		shown := fmt.Sprint(s, &s, []any{s}, string(marshalled), logged.String(), s.Validate("password"), unread) + fmt.Sprintf("%s %v %+v %#v %x %q", s, s, s, s, s, s)
		if s != secret.Env("LEAT_TEST_SECRET") {
			_, err := s.Read("password")
			shown += fmt.Sprint(err)
		}
		if strings.Contains(shown, canary) || strings.Contains(shown, fmt.Sprintf("%x", canary)) || !strings.Contains(shown, "***") {
			t.Errorf("shown: %s", shown)
		}
	}
}

func TestRead(t *testing.T) {
	// A secret comes from its file without the newline, as it is now, or from its
	// variable; what keeps it from being read is said.
	path := filepath.Join(t.TempDir(), "token")
	for _, want := range []string{"first", "second "} {
		if err := os.WriteFile(path, []byte(want+"\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := secret.File(path).Read("token"); got != want || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	}
	t.Setenv("LEAT_TEST_SECRET", canary)
	if got, err := secret.Env("LEAT_TEST_SECRET").Read("token"); got != canary || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]secret.Secret{
		"is empty":          secret.File(path),
		"cannot be read":    secret.File(path + ".gone"),
		"which is not set":  secret.Env("LEAT_TEST_NO_SECRET"),
		"there is no token": {},
	} {
		if _, err := s.Read("token"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if !(secret.Secret{}).IsZero() || secret.File("x").IsZero() {
		t.Error("IsZero")
	}
}
