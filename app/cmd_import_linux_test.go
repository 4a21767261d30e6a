package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// openTerminal returns both ends of a pseudo-terminal. The text that is written to terminal can be
// read from screen.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	var unlocked, number int32
	for request, value := range map[uintptr]*int32{
		syscall.TIOCSPTLCK: &unlocked, syscall.TIOCGPTN: &number,
	} {
		_, _, failed := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), request,
			uintptr(unsafe.Pointer(value)))
		if failed != 0 {
			t.Fatal(failed)
		}
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return screen, terminal
}

// On a terminal the result is on a line of its own, below the progress.
func TestImportShowsItsProgressOnATerminal(t *testing.T) {
	screen, terminal := openTerminal(t)
	file := strings.NewReader(`[{"first_name": "Ada", "country": "GB"}]`)
	err := run(t.Context(), invocation{args: []string{"import"}, environ: embedded(t),
		stdin: file, stdout: terminal, stderr: terminal})
	if err != nil {
		t.Fatal(err)
	}
	// A terminal writes each line feed as a carriage return and a line feed.
	const want = "\r1 submissions\r\nstored 1 submissions, each read back and compared\r\n"
	terminal.Close()
	shown, _ := io.ReadAll(screen) // ends with EIO, because nobody can write any more
	if string(shown) != want {
		t.Errorf("the terminal shows %q, want %q", shown, want)
	}
}
