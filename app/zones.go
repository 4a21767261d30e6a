//go:build !system_zones

package main

import _ "time/tzdata" // for TZ on systems without a time zone database
