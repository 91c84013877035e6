//go:build unix

package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"agent.local/a0000000000000000/memory"
)

// The files of a program that takes over, as it inherits them.
const (
	socketFile = 3 + iota
	// Closed by the parent when another program takes over, or when it is gone.
	retireFile
	// Takes the announcement of the program, and is closed when it has left.
	readyFile
)

// How long a new program may take until it answers.
const startTime = 30 * time.Second

// heir is a program that took over. The parent closes control, and signal then ends.
type heir struct {
	process         *os.Process
	control, signal *os.File
	ended           chan error
}

// fileOf returns another descriptor of a listener's socket. The one of net's File would
// become a blocking one when it is passed on, and with it the listener.
func fileOf(listener net.Listener) (*os.File, error) {
	tcp, ok := listener.(*net.TCPListener)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	var file *os.File
	var failure error
	err = raw.Control(func(fd uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		var copied int
		if copied, failure = syscall.Dup(int(fd)); failure == nil {
			syscall.CloseOnExec(copied)
			file = os.NewFile(uintptr(copied), "socket")
		}
	})
	return file, errors.Join(err, failure)
}

// startHeir starts the program at this one's path, and returns it with its announcement
// when it can answer.
func (p Program) startHeir(socket *os.File) (*heir, string, error) {
	path, err := exec.LookPath(os.Args[0])
	if err != nil {
		return nil, "", err
	}
	watched, control, err := os.Pipe()
	if err != nil {
		return nil, "", err
	}
	defer watched.Close()
	signal, ready, err := os.Pipe()
	if err != nil {
		_ = control.Close()
		return nil, "", err
	}
	defer ready.Close()
	command := exec.Command(path, os.Args[1:]...)
	command.Args[0] = os.Args[0]
	command.Env = append(os.Environ(), heirEnv+"=1")
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.ExtraFiles = []*os.File{socket, watched, ready}
	if err := memory.Unlimited(command.Start); err != nil {
		_, _ = control.Close(), signal.Close()
		return nil, "", err
	}
	_ = ready.Close()
	next := &heir{command.Process, control, signal, make(chan error, 1)}
	go func() { next.ended <- command.Wait() }()
	words, err := next.announcement()
	if err != nil {
		_ = next.process.Kill()
		next.retire()
		err = fmt.Errorf("%s does not answer: %w (%v)", filepath.Base(path), err, <-next.ended)
	}
	return next, words, err
}

// announcement waits for the first line of a program.
func (h *heir) announcement() (string, error) {
	_ = h.signal.SetReadDeadline(time.Now().Add(startTime))
	return bufio.NewReader(h.signal).ReadString('\n')
}

// retire lets the program end its last answers, and returns when it accepts no more
// connections.
func (h *heir) retire() {
	_ = h.control.Close()
	_ = h.signal.SetReadDeadline(time.Now().Add(startTime))
	_, _ = io.Copy(io.Discard, h.signal)
	_ = h.signal.Close()
}

// stop ends the program like this one, and waits for it.
func (h *heir) stop() {
	_ = h.process.Signal(syscall.SIGTERM)
	h.ended <- <-h.ended
}

// inherit returns the place that the program before this one hands over. Programs that
// this one starts get none of its files.
func inherit() (place, error) {
	_ = os.Unsetenv(heirEnv)
	for file := socketFile; file <= readyFile; file++ {
		syscall.CloseOnExec(file)
	}
	socket := os.NewFile(socketFile, "socket")
	defer socket.Close()
	listener, err := net.FileListener(socket)
	if err != nil {
		return place{}, fmt.Errorf("%s is for programs that this program starts: %w", heirEnv, err)
	}
	control, parent := os.NewFile(retireFile, "retire"), os.NewFile(readyFile, "ready")
	retire := make(chan struct{})
	go func() {
		_, _ = control.Read(make([]byte, 1))
		close(retire)
	}()
	return place{listener, leaving{retire, func() { _ = parent.Close() }}, parent}, nil
}
