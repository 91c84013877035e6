package cli

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
	"agent.local/a0000000000000000/server"
)

// program runs the command line with arguments and input; it returns exit code,
// standard output and standard error.
func program(agent protocol.Agent, input string, arguments ...string) (int, string, string) {
	var out, errs bytes.Buffer
	p := Program{Name: "host", Argument: "PLUGIN.so", Open: func(path string) (protocol.Agent, error) {
		if path != "a.so" {
			return nil, errors.New("no such file")
		}
		return agent, nil
	}}
	code := p.run(arguments, stdio{in: strings.NewReader(input), out: &out, err: &errs})
	return code, out.String(), errs.String()
}

// The tests of a whole program are sequential: it limits the memory of the process.
func TestProgram(t *testing.T) {
	tests := []struct {
		name      string
		arguments string
		input     string
		code      int
		out, err  string
	}{
		{"message", "--message|hi there|a.so", "", 0, "hi there\n", ""},
		{"flag last", "a.so|--message|hi", "", 0, "hi\n", ""},
		{"failing message", "--message|fail no_key|a.so", "", 1, "\n", "host: because no_key\n"},
		{"broken message", "--message|break|a.so", "", 1, "break\n", "host: because provider_unreachable\n"},
		{"vanishing message", "--message|vanish|a.so", "", 1, "vanish\n", "host: vanished\n"},
		{"JSON", "--message|hi there|--json|a.so", "", 0,
			`{"text":"hi there","finish":"stop","tools":[],"usage":{"input_tokens":3,"output_tokens":2},"error":null}` + "\n", ""},
		{"failing JSON", "--json|--message|fail no_key|a.so", "", 1,
			`{"text":"","tools":[],"usage":null,"error":{"code":"no_key","message":"because no_key"}}` + "\n", ""},
		{"JSON to repeat", "--json|--message|break|a.so", "", 4, `{"text":"break","tools":[],"usage":null,"error":{"code":"provider_unreachable"`, ""},
		{"JSON without a message", "--json|a.so", "", 2, "", "--json needs --message"},
		{"empty message", "--message||a.so", "", 2, "", "--message is empty"},
		{"manifest", "--manifest|a.so", "", 0, agenttest.Manifest + "\n", ""},
		{"request", "--request|a.so", `{"messages":[{"role":"user","content":"hi"}]}`, 0,
			`{"text":"hi","type":"token"}` + "\n" + `{"input_tokens":3,"output_tokens":2,"type":"usage"}` + "\n" +
				`{"finish":"stop","rounds":1,"text":"hi","type":"done"}` + "\n", ""},
		{"failing request", "--request|a.so", `nonsense`, 0, `{"code":"bad_request","message":"because bad_request","type":"error"}` + "\n", ""},
		{"version", "--version", "", 0, "host (go", ""},
		{"help", "--help", "", 0, "", "Usage: host [flags] PLUGIN.so"},
		{"no plugin", "--manifest", "", 2, "", "usage: host [flags] PLUGIN.so"},
		{"two plugins", "a.so|b.so", "", 2, "", "usage"},
		{"two modes", "--manifest|--request|a.so", "", 2, "", "exclude each other"},
		{"unknown flag", "--frob|a.so", "", 2, "", "flag provided but not defined"},
		{"missing file", "--manifest|b.so", "", 1, "", "host: no such file"},
		{"REPL", "a.so", "hi\n\n/help\n/quit\nnever\n", 0, "hi\n/reset clears", ""},
		{"REPL with an error", "a.so", "fail no_key\nhi\n", 0, "\nhi\n", "[because no_key]\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := program(&agenttest.Agent{}, test.input, strings.Split(test.arguments, "|")...)
			if code != test.code || !strings.HasPrefix(out, test.out) || !strings.Contains(errs, test.err) {
				t.Errorf("exit %d, out %q, err %q", code, out, errs)
			}
		})
	}
}

func TestImages(t *testing.T) {
	agent := &agenttest.Agent{ManifestJSON: strings.Replace(agenttest.Manifest, `{`, `{"request_fields":["images"],`, 1)}
	dir := t.TempDir()
	small, huge := filepath.Join(dir, "small.gif"), filepath.Join(dir, "huge.gif")
	for path, size := range map[string]int64{small: 6, huge: 1 << 40} {
		if err := errors.Join(os.WriteFile(path, []byte("GIF89a"), 0o600), os.Truncate(path, size)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		agent     *agenttest.Agent
		arguments string
		code      int
		err       string
	}{
		{agent, "--message|hi|--image|" + small + "|--image|" + small, 0, ""},
		{agent, "--message|hi|--image|" + huge, 1, "huge.gif: an image is larger than 5 MB"},
		{agent, "--message|hi|--image|" + dir, 1, "is a directory"},
		{agent, "--message|hi|--image|" + small + ".png", 1, "no such file"},
		{agent, "--message|hi|--image|cli.go", 1, "cli.go: an image is not a PNG, JPEG, GIF or WebP file"},
		{agent, "--message|hi|--image|", 2, "--image is empty"},
		{agent, "--image|" + small, 2, "--image needs --message"},
		{&agenttest.Agent{}, "--message|hi|--image|" + small, 1, "takes no images"},
	}
	for _, test := range tests {
		code, _, errs := program(test.agent, "", strings.Split(test.arguments+"|a.so", "|")...)
		if code != test.code || !strings.Contains(errs, test.err) {
			t.Errorf("%s: exit %d, %q", test.arguments, code, errs)
		}
	}
	const image = `{"data":"R0lGODlh"}`
	want := `{"messages":[{"role":"user","content":"hi","images":[` + image + "," + image + `]}]}`
	if got := strings.Join(agent.Requests(), "\n"); got != want {
		t.Errorf("requests\n%s", got)
	}
}

func TestManifestsThatAreRefused(t *testing.T) {
	for _, manifest := range []string{"{", `{"schema":1,"error":"agent.json: no"}`, `{"schema":2}`} {
		if code, out, errs := program(&agenttest.Agent{ManifestJSON: manifest}, "", "--manifest", "a.so"); code != 1 || out != "" || errs == "" {
			t.Errorf("%s: exit %d, %q %q", manifest, code, out, errs)
		}
	}
}

func TestTerminalHistory(t *testing.T) {
	agent := &agenttest.Agent{}
	program(agent, "one\nfail x\ntwo\n/reset\nthree\n", "a.so")
	want := []string{
		`{"messages":[{"role":"user","content":"one"}]}`,
		`{"messages":[{"role":"user","content":"one"},{"role":"assistant","content":"one"},{"role":"user","content":"fail x"}]}`,
		`{"messages":[{"role":"user","content":"one"},{"role":"assistant","content":"one"},{"role":"user","content":"two"}]}`,
		`{"messages":[{"role":"user","content":"three"}]}`,
	}
	if got := strings.Join(agent.Requests(), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("requests\n%s", got)
	}
}

func TestSanitizer(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	n, err := sanitizer{&out}.Write([]byte("a\x1b[31mb\x07\u009b\r\n\tä"))
	if err != nil || n != 15 || out.String() != "a[31mb\n\tä" {
		t.Errorf("wrote %q, %d, %v", out.String(), n, err)
	}
}

func TestSites(t *testing.T) {
	refusing := func(dir string, _ protocol.Agent, _ protocol.Manifest, _ server.Origins) (http.Handler, error) {
		return nil, fmt.Errorf("no site in %s", dir)
	}
	tests := []struct {
		name, arguments, token string
		site                   func(string, protocol.Agent, protocol.Manifest, server.Origins) (http.Handler, error)
		code                   int
		want                   string
	}{
		{"not offered", "--serve|0|--site|dir", "", nil, 2, "flag provided but not defined"},
		{"without a server", "--site|dir", "", refusing, 2, "--site needs --serve"},
		{"without a name", "--serve|0|--site|", "", refusing, 2, "--site is empty"},
		{"with another mode", "--manifest|--site|dir", "", refusing, 2, "--site needs --serve"},
		{"two modes", "--manifest|--serve|0|--site|dir", "", refusing, 2, "exclude each other"},
		{"no site", "--serve|0|--site|dir", "", refusing, 1, "agent: no site in dir"},
		{"a server's token", "--serve|0|--site|dir", "letmein", refusing, 1, "AGENT_ACCESS"},
		{"help", "--help", "", refusing, 0, "AGENT_TRUSTED_PROXIES"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(server.TokenEnv, test.token)
			var out, errs bytes.Buffer
			p := Program{Name: "agent", Open: func(string) (protocol.Agent, error) { return &agenttest.Agent{}, nil }, Site: test.site}
			code := p.run(strings.Split(test.arguments, "|"), stdio{in: strings.NewReader(""), out: &out, err: &errs})
			if code != test.code || !strings.Contains(errs.String(), test.want) || strings.Contains(errs.String(), "%!") {
				t.Errorf("exit %d, %q", code, errs.String())
			}
		})
	}
	if _, _, help := program(&agenttest.Agent{}, "", "--help"); strings.Contains(help, "site") || strings.Contains(help, "%!") {
		t.Errorf("the help of a program without sites: %s", help)
	}
}
