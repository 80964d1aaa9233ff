//go:build unix

// Package unprivileged lets a test of file permissions run as a user they bind.
//
// The one central idea: the superuser may read and write anything, so where tests
// run as root, as in many containers, such a test would see nothing. It is run
// again in a child process of a user without rights, and not left out.
package unprivileged

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// nobody is the user, and the group, of the child.
const nobody = 65534

// Here reports whether permissions bind this process, so that the test may go on.
// For the superuser it runs the test, which is not a subtest, in a child process
// without rights, fails when that fails, and returns false. Files of the test must
// be made after the call: by whom they are to bind.
func Here(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return true
	}
	// The test's binary is in a directory of root's; this name of it is not.
	binary := "/proc/self/exe"
	if runtime.GOOS != "linux" {
		var err error
		if binary, err = os.Executable(); err != nil {
			t.Fatal(err)
		}
	}
	child := exec.CommandContext(t.Context(), binary, "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v", "-test.count=1")
	child.Dir = "/"
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("as user %d: %v\n%s", nobody, err, out)
	}
	return false
}
