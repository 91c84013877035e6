package cli

import (
	"io"
	"syscall"
	"unsafe"
)

// discardInput drops what waits in a terminal to be read.
func discardInput(in io.Reader) {
	// FREAD of the system's sys/fcntl.h.
	queue := int32(1)
	onTerminal(in, func(descriptor uintptr) {
		_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, descriptor, syscall.TIOCFLUSH, uintptr(unsafe.Pointer(&queue)))
	})
}
