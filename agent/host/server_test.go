package main

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
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
	url := firstAddress(t, bufio.NewScanner(log))
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

// testReplacement exchanges the plugin of a running server by a link.
func testReplacement(t *testing.T, h installation, plugin, before, next, after string) {
	link := filepath.Join(t.TempDir(), "current.so")
	relink := func(target string) {
		if err := errors.Join(os.Symlink(target, link+".new"), os.Rename(link+".new", link)); err != nil {
			t.Fatal(err)
		}
	}
	relink(plugin)
	command := exec.Command(h.binary, "--serve", "127.0.0.1:0", link)
	command.Env = h.env
	log, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = command.Process.Kill() }()
	lines := bufio.NewScanner(log)
	url := firstAddress(t, lines)
	ask := func() string {
		response, err := http.Post(url+"/v1/responses", "application/json", strings.NewReader(`{"input":"how many?"}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, _ := io.ReadAll(response.Body)
		return string(answer)
	}
	hangUp := func() (line string) {
		if err := command.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			if line = lines.Text(); strings.Contains(line, "from now on") || strings.Contains(line, "not replaced") {
				return line
			}
		}
		return "the server ended"
	}
	if got := ask(); !strings.Contains(got, before) {
		t.Errorf("before: %s", got)
	}
	if line := hangUp(); !strings.Contains(line, "is the same build") {
		t.Errorf("the same build: %s", line)
	}
	relink(next)
	if line := hangUp(); !strings.Contains(line, "from now on") {
		t.Errorf("the next build: %s", line)
	}
	if got := ask(); !strings.Contains(got, after) {
		t.Errorf("after: %s", got)
	}
}

// firstAddress returns the first address in the log.
func firstAddress(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	for lines.Scan() {
		if match := listens.FindStringSubmatch(lines.Text()); match != nil {
			return match[1]
		}
	}
	t.Fatal("the server did not log its address")
	return ""
}
