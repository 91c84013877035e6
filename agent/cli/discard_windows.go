package cli

import (
	"io"
	"syscall"
)

var flushConsole = syscall.NewLazyDLL("kernel32.dll").NewProc("FlushConsoleInputBuffer")

// discardInput drops what waits in a console to be read.
func discardInput(in io.Reader) {
	onTerminal(in, func(handle uintptr) { _, _, _ = flushConsole.Call(handle) })
}
