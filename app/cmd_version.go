package main

import (
	"context"
	"fmt"
)

// version is set by the build.
var version = "dev"

func printVersion(_ context.Context, i invocation) error {
	if len(i.args) > 0 {
		return errUsage
	}
	_, err := fmt.Fprintln(i.stdout, version)
	return err
}
