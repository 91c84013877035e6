package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
)

// sanitized returns w, without control characters if w is a terminal: a model's
// text must not move the cursor or set the window's title.
func sanitized(w io.Writer) io.Writer {
	if isTerminal(w) {
		return sanitizer{w}
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

// onTerminal calls do with the descriptor of a terminal, and not if stream is none.
func onTerminal(stream any, do func(descriptor uintptr)) {
	if !isTerminal(stream) {
		return
	}
	if connection, err := stream.(*os.File).SyscallConn(); err == nil {
		_ = connection.Control(do)
	}
}

// visible writes characters that a terminal does not show as their codes: a person
// approves what they see.
func visible(text string) string {
	var out strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) || r == '\n' {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, "<U+%04X>", r)
		}
	}
	return out.String()
}

// sanitizer drops control characters other than line breaks and tabs.
type sanitizer struct{ io.Writer }

func (s sanitizer) Write(data []byte) (int, error) {
	plain := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, string(data))
	if _, err := io.WriteString(s.Writer, plain); err != nil {
		return 0, err
	}
	return len(data), nil
}
