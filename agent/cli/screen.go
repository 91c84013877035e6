package cli

import (
	"io"
	"os"
	"strings"
	"unicode"
)

// screen returns w, without control characters where w is a terminal: what a
// model writes must not move the cursor or retitle the window.
func screen(w io.Writer) io.Writer {
	if isTerminal(w) {
		return plainWriter{w}
	}
	return w
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

type plainWriter struct{ io.Writer }

func (p plainWriter) Write(data []byte) (int, error) {
	plain := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, string(data))
	if _, err := io.WriteString(p.Writer, plain); err != nil {
		return 0, err
	}
	return len(data), nil
}
