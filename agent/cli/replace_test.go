package cli

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/server"
)

// lines collects the log, and hands each line on.
type lines struct {
	mu sync.Mutex
	c  chan string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.c <- string(p)
	return len(p), nil
}

// A new build answers after a hang-up; one that does not open leaves the old one.
func TestReplaceOn(t *testing.T) {
	first := &agenttest.Agent{}
	builds := []protocol.Agent{nil, first, &agenttest.Agent{ManifestJSON: `{"schema":1,"error":"no"}`},
		&agenttest.Agent{ManifestJSON: `{"schema":1,"name":"Next","version":"2.0.0","limits":{"memory_mb":512}}`}}
	p := Program{Name: "host", Argument: "PLUGIN.so", Open: func(string) (protocol.Agent, error) {
		next := builds[0]
		builds = builds[1:]
		if next == nil {
			return nil, errors.New("no such file")
		}
		return next, nil
	}}
	manifest, err := protocol.ReadManifest(first)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	signals, log := make(chan os.Signal), &lines{c: make(chan string, 1)}
	go p.replaceOn(ctx, signals, server.New(first, manifest, "", nil), first, "a.so", log)
	for _, want := range []string{"not replaced: no such file", "a.so is the same build", "not replaced: no", "Next 2.0.0 answers from now on"} {
		signals <- syscall.SIGHUP
		if line := <-log.c; !strings.Contains(line, want) {
			t.Errorf("logged %q, want %q", line, want)
		}
	}
}
