package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"

	vcs "github.com/prometheus/common/version"
)

// version is set by the build. So is vcs.Revision in an image: elsewhere Go knows the revision from Git.
var version = "dev"

func printVersion(_ context.Context, i invocation) error {
	err := i.parse(new(flag.FlagSet), 0,
		"Prints the version, the revision of the source, and the version of Go.")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(i.stdout, "%s (revision %s, %s)\n", version, vcs.GetRevision(), runtime.Version())
	return err
}
