package cli

import (
	"bufio"
	"io"

	"agent.local/a0000000000000000/images"
)

// line is one that was read; the last one is not open, and has the error if there was one.
type line struct {
	text string
	open bool
	err  error
}

// keyboard reads lines one at a time, and only when one is wanted: what comes meanwhile stays
// in the terminal, which can discard it.
type keyboard struct {
	in      io.Reader
	scanner *bufio.Scanner
	// coming gets the line that is being read; nil if none is.
	coming chan line
}

func newKeyboard(in io.Reader) *keyboard {
	k := &keyboard{in: in}
	k.reset()
	return k
}

func (k *keyboard) reset() {
	k.scanner = bufio.NewScanner(k.in)
	k.scanner.Buffer(nil, images.MaxRequest)
}

// next returns where the next line arrives. It is read in the background, so that Ctrl-C
// works meanwhile. Who gets it calls taken.
func (k *keyboard) next() <-chan line {
	if k.coming == nil {
		coming, scanner := make(chan line, 1), k.scanner
		k.coming = coming
		go func() {
			open := scanner.Scan()
			coming <- line{scanner.Text(), open, scanner.Err()}
		}()
	}
	return k.coming
}

func (k *keyboard) taken() { k.coming = nil }

// discard drops the lines that came already, here and in the terminal.
func (k *keyboard) discard() {
	discardInput(k.in)
	select {
	case <-k.coming:
		k.taken()
	default:
	}
	if k.coming == nil {
		k.reset()
	}
}
