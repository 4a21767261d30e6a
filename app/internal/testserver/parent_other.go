//go:build !linux

package testserver

import "os/exec"

// dieWithParent can't be promised on this system: a test that is killed leaves its servers behind.
func dieWithParent(*exec.Cmd) {}
