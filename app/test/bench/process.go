package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc, the same on all Linux systems: see sysconf(3), _SC_CLK_TCK.
const tick = 10 * time.Millisecond

// cpuTime returns how long a process has used a CPU, in the program and in the kernel.
func cpuTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name of the program, in parentheses, may have any characters. Field 3 follows it.
	fields := strings.Fields(string(stat[strings.LastIndex(string(stat), ")")+1:]))
	user, userErr := strconv.Atoi(fields[14-3])
	system, systemErr := strconv.Atoi(fields[15-3])
	if userErr != nil || systemErr != nil {
		return 0, fmt.Errorf("/proc/%d/stat: %s", pid, stat)
	}
	return time.Duration(user+system) * tick, nil
}

// peakMemory returns the peak of a process's resident memory, in MB.
func peakMemory(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kb, err := strconv.Atoi(strings.Fields(value)[0])
			return float64(kb) / 1000, err
		}
	}
	return 0, fmt.Errorf("no VmHWM for process %d", pid)
}
