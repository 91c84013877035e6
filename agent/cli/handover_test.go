package cli

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
)

const asProgramEnv = "TEST_AS_PROGRAM"

// TestMain lets the test be the program that is replaced, and the one that takes over.
func TestMain(m *testing.M) {
	version := os.Getenv(asProgramEnv)
	if version == "" {
		os.Exit(m.Run())
	}
	if os.Getenv(heirEnv) != "" {
		version = "2.0.0"
	}
	manifest := fmt.Sprintf(`{"schema":1,"name":"Ada","version":%q,"limits":{"memory_mb":512}}`, version)
	open := func(string) (protocol.Agent, error) {
		if version == "2.0.0" && os.Getenv("TEST_BROKEN") != "" {
			return nil, io.ErrUnexpectedEOF
		}
		return &agenttest.Agent{ManifestJSON: manifest, Waiting: make(chan struct{}, 1)}, nil
	}
	os.Exit(Main(Program{Name: "agent", Open: open}))
}

// started is a running program, and what it logs.
type started struct {
	*exec.Cmd
	log *bufio.Reader
	url string
}

func startProgram(t *testing.T, env ...string) started {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there are no hang-ups")
	}
	command := exec.Command(os.Args[0], "--serve", "127.0.0.1:0")
	command.Env = append(os.Environ(), append(env, asProgramEnv+"=1.0.0")...)
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill() })
	p := started{command, bufio.NewReader(stderr), ""}
	_, address, _ := strings.Cut(p.line(t), "http://")
	p.url = "http://" + address
	return p
}

func (p started) line(t *testing.T) string {
	t.Helper()
	line, err := p.log.ReadString('\n')
	if err != nil {
		t.Fatalf("the log ended with %q, %v", line, err)
	}
	return strings.TrimSpace(line)
}

func (p started) hangUp(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// version asks which program answers, on a connection of its own.
func (p started) version(t *testing.T) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(p.url + "/manifest")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	_, rest, _ := strings.Cut(string(body), `"version":"`)
	version, _, _ := strings.Cut(rest, `"`)
	return version
}

func TestProgramsTakeOver(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	if got := p.version(t); got != "1.0.0" {
		t.Fatalf("got %q", got)
	}
	// An answer that waits, of the first program.
	response, err := http.Post(p.url+"/chat", "application/json", strings.NewReader(agenttest.Question("wait")))
	if err != nil {
		t.Fatal(err)
	}
	answer := bufio.NewReader(response.Body)
	if line, _ := answer.ReadString('\n'); !strings.Contains(line, `"text":"wait"`) {
		t.Fatalf("got %q", line)
	}
	for range 2 {
		p.hangUp(t)
		if line := p.line(t); !strings.HasPrefix(line, "Ada 2.0.0 answers from now on at "+p.url) {
			t.Fatalf("logged %q", line)
		}
		if got := p.version(t); got != "2.0.0" {
			t.Errorf("got %q", got)
		}
	}
	// The supervisor's signal ends all of them, and the answer in progress.
	response.Body.Close()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(p.log)
	if err := p.Wait(); err != nil {
		t.Errorf("ended with %v, %s", err, rest)
	}
	if _, err := http.Get(p.url + "/healthz"); err == nil {
		t.Error("somebody still answers")
	}
}

func TestProgramsThatDoNotStart(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "TEST_BROKEN=1")
	p.hangUp(t)
	for _, want := range []string{"agent: unexpected EOF", "was not replaced: "} {
		if line := p.line(t); !strings.Contains(line, want) {
			t.Errorf("logged %q, want %q", line, want)
		}
	}
	if got := p.version(t); got != "1.0.0" {
		t.Errorf("got %q", got)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
}
