package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/transport"
)

// TestMain is the program that the tests run, where they ask for it.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "peer" {
		serve(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

// serve answers as a server of an era. "crash" ends with its first call, "once" after it,
// and "strict" with anything before initialize; "deaf" reads no more once it is called.
func serve(era string) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var m struct {
			ID     json.RawMessage
			Method string
			Params map[string]json.RawMessage
		}
		_ = json.Unmarshal(lines.Bytes(), &m)
		result := map[string]string{
			"server/discover": `{"supportedVersions":["2026-07-28"]}`,
			"initialize":      `{"protocolVersion":"2025-11-25"}`,
			"tools/list":      `{"tools":[{"name":"say","description":"Says.","inputSchema":{"type":"object"}}]}`,
			"tools/call":      fmt.Sprintf(`{"content":[{"type":"text","text":"key %s, token %s"}]}`, os.Getenv("OPENAI_API_KEY"), os.Getenv("TOKEN")),
		}[m.Method]
		switch {
		case m.Method == "server/discover" && era == "legacy":
			fmt.Printf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"unknown"}}`+"\n", m.ID)
		case m.Method == "tools/call" && era == "crash", m.Method == "server/discover" && era == "strict":
			os.Exit(3)
		case m.Method == "tools/call" && era == "deaf":
			called, _ := net.Dial("tcp", os.Getenv("TOKEN"))
			_, _ = called.Read(make([]byte, 1))
			os.Exit(0)
		case m.ID != nil && result != "":
			fmt.Println("not a message")
			fmt.Println(`{"jsonrpc":"2.0","id":"x","method":"roots/list"}`)
			fmt.Printf(`{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", m.ID, result)
			if m.Method == "tools/call" && era == "once" {
				os.Exit(0)
			}
		}
	}
}

// tool returns the function of a program of an era that was chosen with a description.
func tool(t *testing.T, command, era, description string, environment map[string]string) tools.Tool {
	t.Helper()
	settings := fmt.Sprintf(`{"servers":[{"name":"peer","command":%q,"args":["peer",%q],"env":["TOKEN"],
		"tools":[{"name":"say","function":"local_peer_say","description":%q,"schema":{"type":"object"}}]}]}`, command, era, description)
	functions, err := tools.Configured([]string{"local"}, map[string]json.RawMessage{"local": json.RawMessage(settings)},
		func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	return functions[0]
}

func TestProgramRuns(t *testing.T) {
	t.Parallel()
	environment := map[string]string{"OPENAI_API_KEY": "secret", "TOKEN": "t0ken"}
	for _, era := range []string{"modern", "legacy", "strict"} {
		said := tool(t, os.Args[0], era, "Says.", environment)
		for range 2 {
			text, err := said.Run(t.Context(), json.RawMessage(`{}`))
			if text != "key , token t0ken" || err != nil {
				t.Errorf("%s: %q, %v", era, text, err)
			}
		}
		if said.May&tools.Writes == 0 || !said.Untrusted {
			t.Errorf("%+v", said)
		}
	}
}

func TestLastAnswerCounts(t *testing.T) {
	t.Parallel()
	for range 5 {
		if _, err := tool(t, os.Args[0], "once", "Says.", nil).Run(t.Context(), json.RawMessage(`{}`)); err != nil {
			t.Error(err)
		}
	}
}

func TestProgramFails(t *testing.T) {
	t.Parallel()
	_, err := tool(t, os.Args[0], "modern", "Deletes.", nil).Run(t.Context(), json.RawMessage(`{}`))
	var disabled *tools.DisabledError
	if !errors.As(err, &disabled) {
		t.Error(err)
	}
	crashing := tool(t, os.Args[0], "crash", "Says.", nil)
	for range 2 {
		_, err = crashing.Run(t.Context(), json.RawMessage(`{}`))
		if err == nil || !strings.Contains(err.Error(), "the program ended before it answered") {
			t.Error(err)
		}
	}
	_, err = tool(t, "/nowhere/program", "modern", "Says.", nil).Run(t.Context(), json.RawMessage(`{}`))
	if err == nil || !strings.Contains(err.Error(), "can't be started here") {
		t.Error(err)
	}
}

func TestCallsOfADeafProgramEnd(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	said := tool(t, os.Args[0], "deaf", "Says.", map[string]string{"TOKEN": listener.Addr().String()})
	enough := errors.New("enough")
	ended := make(chan error)
	call := func(ctx context.Context, arguments string) {
		_, err := said.Run(ctx, json.RawMessage(arguments))
		ended <- err
	}
	first, cancel := context.WithCancelCause(t.Context())
	go call(first, `{}`)
	called, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer called.Close()
	// More than the pipe to the program holds.
	large := fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", 100<<10))
	for range 2 {
		ctx, stop := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, enough)
		defer stop()
		go call(ctx, large)
	}
	cancel(enough)
	for range 3 {
		select {
		case err := <-ended:
			if !errors.Is(err, enough) {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("a call did not end with its context")
		}
	}
}

func TestProgramStaysOnItsMachine(t *testing.T) {
	t.Parallel()
	said := tool(t, os.Args[0], "modern", "Says.", map[string]string{transport.EgressSocket: "egress.sock"})
	if !strings.Contains(said.Unavailable, "a person's own machine") {
		t.Error(said.Unavailable)
	}
}
