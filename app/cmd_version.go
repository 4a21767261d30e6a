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
	args, err := i.parse(new(flag.FlagSet), "Prints the version, the revision of the source, and the version of Go.")
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return errUsage
	}
	_, err = fmt.Fprintf(i.stdout, "%s (revision %s, %s)\n", version, vcs.GetRevision(), runtime.Version())
	return err
}
