package cli

import (
	"io"
	"syscall"
)

// discardInput drops what waits in a terminal to be read.
func discardInput(in io.Reader) {
	// TCFLSH and TCIFLUSH of the system's headers.
	const flushRequest, inputQueue = 0x540b, 0
	onTerminal(in, func(descriptor uintptr) {
		_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, descriptor, flushRequest, inputQueue)
	})
}
