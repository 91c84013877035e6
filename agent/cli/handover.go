package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// heirEnv is set for a program that takes over.
const heirEnv = "AGENT_TAKES_OVER"

// place is where a program serves. If it takes over from another one, the announcement
// goes there: it tells that this one answers.
type place struct {
	listener net.Listener
	leave    leaving
	parent   io.Writer
}

// place returns the listener that this process was started with, or one on the address.
func (p Program) place(address string) (place, error) {
	if os.Getenv(heirEnv) != "" {
		return inherit()
	}
	listener, err := net.Listen("tcp", withLoopback(address))
	return place{listener: listener}, err
}

// keep sets a variable for the programs that take over from this one.
func keep(name, value string) {
	if os.Getenv(name) == "" {
		_ = os.Setenv(name, value)
	}
}

// hold serves at a place until ctx ends. On a signal it starts the program at its path
// anew, which takes over the listener; its own answers run to their end. It then stays as
// the parent of the program that answers: whoever supervises it knows its process id.
func (p Program) hold(ctx context.Context, hangUps <-chan os.Signal, at place, handler http.Handler, log io.Writer) error {
	socket, err := fileOf(at.listener)
	if at.parent != nil || err != nil {
		return serveOn(ctx, at.leave, at.listener, handler, stopGrace)
	}
	defer socket.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	answers, retire, left := make(chan error, 1), make(chan struct{}), make(chan struct{})
	leave := leaving{retire, func() { close(left) }}
	go func() { answers <- serveOn(ctx, leave, at.listener, handler, stopGrace) }()
	giveWay := func() {
		close(retire)
		select {
		case <-left:
		case <-ctx.Done():
		}
	}
	heirs, failure := p.bequeath(ctx, hangUps, socket, answers, giveWay, log)
	stop()
	for _, h := range heirs {
		h.stop()
	}
	return errors.Join(failure, <-answers)
}

// bequeath starts a new program for each signal, until ctx ends or the one that answers
// does. The newest of those that it returns answers; the others end their last answers.
func (p Program) bequeath(ctx context.Context, hangUps <-chan os.Signal, socket *os.File, answers chan error, retire func(), log io.Writer) ([]*heir, error) {
	var heirs []*heir
	var ended <-chan error
	own := answers
	for {
		select {
		case <-ctx.Done():
			return heirs, nil
		case err := <-own:
			answers <- err
			if own = nil; err != nil || len(heirs) == 0 {
				return heirs, nil
			}
		case err := <-ended:
			heirs[len(heirs)-1].ended <- err
			return heirs, fmt.Errorf("the program that took over has ended: %v", err)
		case <-hangUps:
			next, words, err := p.startHeir(socket)
			if err != nil {
				fmt.Fprintf(log, "%s: the program was not replaced: %v\n", p.Name, err)
				continue
			}
			retire()
			fmt.Fprint(log, words)
			heirs, ended, retire = append(heirs, next), next.ended, next.retire
		}
	}
}
