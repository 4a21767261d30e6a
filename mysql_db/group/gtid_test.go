package main

import "testing"

func TestGTIDsDifferOnlyInOneSource(t *testing.T) {
	const a, b = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "bbd24e24-4c32-11f0-8d5b-0242ac120002"
	for _, test := range []struct {
		set, other string
		want       bool
	}{
		{a + ":1-5," + b + ":1-2", a + ":1-4," + b + ":1-9", true},
		{a + ":1-5," + b + ":1-2", b + ":1-2", true},
		{a + ":1-5," + b + ":1-2", a + ":1-5", false},
		{a + ":1-5:tag:1", a + ":1-5", false},
		{"", "", true},
	} {
		if got := parseGTIDs(test.set).differsOnlyIn(a, parseGTIDs(test.other)); got != test.want {
			t.Errorf("%q differs from %q only in %s = %t, want %t",
				test.set, test.other, a, got, test.want)
		}
	}
}

func TestGTIDs(t *testing.T) {
	const a, b = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "bbd24e24-4c32-11f0-8d5b-0242ac120002"
	for _, test := range []struct {
		set, other     string
		count, without int64
	}{
		{"", "", 0, 0},
		{a + ":5", "", 1, 1},
		{a + ":1-5:7-8", a + ":2-3", 7, 5},
		{a + ":1-5:7-8," + b + ":1-2", a + ":4-7", 9, 6},
		{a + ":1-5," + a + ":3-9,", a + ":1-9", 9, 0},
		{a + ":1-5", b + ":1-5", 5, 5},
		{a + ":1-3:tag:1-4:6", a + ":1-10", 8, 5},
		{" " + a + ":1-5,\n" + b + ":1-2", b + ":1", 7, 6},
	} {
		set, other := parseGTIDs(test.set), parseGTIDs(test.other)
		count, without := set.count(), set.without(other)
		if count != test.count || without != test.without {
			t.Errorf("%q without %q: count = %d, without = %d, want %d, %d",
				test.set, test.other, count, without, test.count, test.without)
		}
	}
}
