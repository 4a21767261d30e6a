package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"

	vcs "github.com/prometheus/common/version"
)

// The build sets version. In an image it also sets vcs.Revision. Elsewhere Go reads the revision
// from Git.
var version = "dev"

func printVersion(_ context.Context, i invocation) error {
	err := i.parse(new(flag.FlagSet), 0,
		"Prints the version, the revision of the source, and the version of Go.")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(i.stdout, "%s (revision %s, %s)\n",
		version, vcs.GetRevision(), runtime.Version())
	return err
}
