package database

import "testing"

// read_only is a number on MySQL and on MariaDB before 12.0.1, and a word on later ones.
func TestTakesWrites(t *testing.T) {
	for readOnly, want := range map[string]bool{"0": true, "OFF": true, "1": false, "ON": false,
		"NO_LOCK": false, "NO_LOCK_NO_ADMIN": false} {
		if got := takesWrites(readOnly); got != want {
			t.Errorf("takesWrites(%s) = %t, want %t", readOnly, got, want)
		}
	}
}
