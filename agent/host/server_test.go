package main

import (
	"bufio"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

var listens = regexp.MustCompile(`listens on (http://127\.0\.0\.1:\d+)`)

func testServer(t *testing.T, h installation, plugin string) {
	command := exec.Command(h.binary, "--serve", "127.0.0.1:0", plugin)
	command.Env = h.env
	log, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = command.Process.Kill() }()
	url := firstAddress(t, log)
	post := func(path, body string) string {
		response, err := http.Post(url+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, _ := io.ReadAll(response.Body)
		return string(answer)
	}
	const question = `{"messages":[{"role":"user","content":"sum"}]}`
	if got := post("/chat", question); strings.Count(got, "data: {") != 5 || !strings.Contains(got, `"result":"42"`) || !strings.Contains(got, `"type":"done"`) {
		t.Errorf("chat: %s", got)
	}
	if got := post("/v1/chat/completions", question); !strings.Contains(got, `"content":"4 messages, 2 tools, 42"`) {
		t.Errorf("completions: %s", got)
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// firstAddress returns the first address in the log.
func firstAddress(t *testing.T, log io.Reader) string {
	t.Helper()
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if match := listens.FindStringSubmatch(lines.Text()); match != nil {
			return match[1]
		}
	}
	t.Fatal("the server did not log its address")
	return ""
}
