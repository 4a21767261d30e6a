//go:build !linux

package testserver

import "os/exec"

// dieWithParent does nothing, because this system can't do it. A test that is killed leaves its
// servers running.
func dieWithParent(*exec.Cmd) {}
