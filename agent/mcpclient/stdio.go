package mcpclient

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	"agent.local/a0000000000000000/mcpspec"
)

// A program that knows only versions with a handshake may leave other requests without
// an answer, or end.
const silenceTime = 5 * time.Second

var unanswered = message{Error: &rpcError{Code: mcpspec.CodeNoMethod, Message: "no answer"}}

// stdioConn is a program of this machine: one message a line on its standard input and
// output. It starts with the first message, and ends when the agent does.
type stdioConn struct {
	command string
	args    []string
	env     []string

	mu      sync.Mutex
	running *program
}

// program is one run of the command.
type program struct {
	in    io.WriteCloser
	ended chan struct{}
	// writing holds a value while a line is written: a program that reads nothing keeps
	// its writer, and nobody else waits longer than their context.
	writing chan struct{}

	mu      sync.Mutex
	waiting map[string]chan message
	changed func()
}

// NewStdio returns the client of a program, which gets the variables of env alone.
func NewStdio(command string, args, env []string) *Client {
	return &Client{conn: &stdioConn{command: command, args: args, env: env}}
}

func (s *stdioConn) use(string) {}

func (s *stdioConn) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		_ = s.running.in.Close()
		s.running = nil
	}
}

func (s *stdioConn) send(ctx context.Context, m message, changed func()) (message, error) {
	p, err := s.start()
	if err != nil {
		return message{}, err
	}
	answer := p.expect(m.ID, changed)
	defer p.forget(m.ID)
	if err := p.write(ctx, m); err != nil || m.ID == nil {
		return message{}, err
	}
	probes := m.Method == "server/discover"
	var silence <-chan time.Time
	if probes {
		silence = time.After(silenceTime)
	}
	select {
	case got := <-answer:
		return got, nil
	case <-silence:
		return unanswered, nil
	case <-p.ended:
		if len(answer) > 0 {
			return <-answer, nil
		}
		if probes {
			s.forget()
			return unanswered, nil
		}
		// Not sent again: the call may have done what it should.
		return message{}, errors.New("the program ended before it answered")
	case <-ctx.Done():
		p.tell(message{JSONRPC: "2.0", Method: "notifications/cancelled", Params: map[string]any{"requestId": m.ID}})
		return message{}, context.Cause(ctx)
	}
}

// start returns the running program, or starts it. It returns errExpired for one that
// ended, until that is forgotten: another knows nothing of the handshake.
func (s *stdioConn) start() (*program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		select {
		case <-s.running.ended:
			return nil, errExpired
		default:
			return s.running, nil
		}
	}
	command := exec.Command(s.command, s.args...)
	command.Env = s.env
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		var missing *exec.Error
		if errors.As(err, &missing) {
			err = missing.Err
		}
		return nil, fmt.Errorf("the program %s can't be started here: %w; tell the user", s.command, err)
	}
	s.running = &program{in: in, ended: make(chan struct{}), writing: make(chan struct{}, 1), waiting: map[string]chan message{}}
	go s.running.read(out, command)
	return s.running, nil
}

func (p *program) expect(id json.RawMessage, changed func()) chan message {
	p.mu.Lock()
	defer p.mu.Unlock()
	if changed != nil {
		p.changed = changed
	}
	answer := make(chan message, 1)
	if id != nil {
		p.waiting[string(id)] = answer
	}
	return answer
}

func (p *program) forget(id json.RawMessage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, string(id))
}

// write returns errExpired if the program takes no line any more.
func (p *program) write(ctx context.Context, m message) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	select {
	case p.writing <- struct{}{}:
	case <-p.ended:
		return errExpired
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	written := make(chan error, 1)
	go func() {
		_, err := p.in.Write(append(line, '\n'))
		<-p.writing
		written <- err
	}()
	select {
	case err := <-written:
		if err != nil {
			return errExpired
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tell writes what has no answer, if the program reads it soon.
func (p *program) tell(m message) {
	ctx, end := context.WithTimeout(context.Background(), cancelTime)
	defer end()
	_ = p.write(ctx, m)
}

// read delivers what the program prints until it ends.
func (p *program) read(out io.Reader, command *exec.Cmd) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxBody)
	for lines.Scan() {
		var got message
		if json.Unmarshal(bytes.TrimSpace(lines.Bytes()), &got) == nil {
			p.deliver(got)
		}
	}
	_ = p.in.Close()
	if lines.Err() != nil {
		_ = command.Process.Kill()
	}
	close(p.ended)
	_ = command.Wait()
}

func (p *program) deliver(got message) {
	p.mu.Lock()
	answer, changed := p.waiting[string(got.ID)], p.changed
	p.mu.Unlock()
	switch {
	case got.isResponse():
		if answer != nil {
			select {
			case answer <- got:
			default:
			}
		}
	case got.Method == "notifications/tools/list_changed" && changed != nil:
		changed()
	case got.Method != "" && got.ID != nil:
		p.tell(got.reply())
	}
}
