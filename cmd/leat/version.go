package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Prints the version of the module, its revision and of Go",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{GoVersion: runtime.Version()}
			}
			return writeVersion(c.OutOrStdout(), info)
		},
	}
}

// writeVersion prints what the linker recorded. A test binary or a build without
// version control has no revision, which is said.
func writeVersion(w io.Writer, info *debug.BuildInfo) error {
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	revision, when, modified := "unknown", "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.time":
			when = " of " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ", with changes that are not committed"
		}
	}
	_, err := fmt.Fprintf(w, "leat      %s\nrevision  %s%s%s\ngo        %s %s/%s\n",
		version, revision, when, modified, info.GoVersion, runtime.GOOS, runtime.GOARCH)
	return err
}
