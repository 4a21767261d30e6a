//go:build !system_zones

package main

// This database is for TZ on systems that have none. The image has one, so its build sets the tag
// system_zones, which leaves this file out.
import _ "time/tzdata"
