package main

import (
	"context"
	"flag"
	"fmt"
)

// version is set by the build.
var version = "dev"

func printVersion(_ context.Context, i invocation) error {
	args, err := i.parse(new(flag.FlagSet), "Prints the version.")
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return errUsage
	}
	_, err = fmt.Fprintln(i.stdout, version)
	return err
}
