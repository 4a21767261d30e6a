//go:build !system_zones

package main

// For TZ on systems without a time zone database. The image has one: its build sets the tag.
import _ "time/tzdata"
