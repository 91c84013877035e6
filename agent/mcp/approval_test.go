package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"agent.local/a0000000000000000/agenttest"
	"agent.local/a0000000000000000/protocol"
)

// approving waits for a person, then tells what they answered; without somebody who asks
// them, it answers at once.
type approving struct{ agenttest.Agent }

func newApproving(t *testing.T, options Options) *Server {
	t.Helper()
	agent := &approving{agenttest.Agent{ManifestJSON: `{"schema":1,"name":"x","handle":"x","request_fields":["approval"]}`}}
	manifest, err := protocol.ReadManifest(agent)
	if err != nil {
		t.Fatal(err)
	}
	return New(agent, manifest, options)
}

func (a *approving) Handle(_ context.Context, request []byte, emit func([]byte) error) error {
	var asked protocol.Request
	_ = json.Unmarshal(request, &asked)
	switch {
	case asked.Approval == nil || !asked.Approval.Ask:
		return emit([]byte(`{"type":"done","text":"nobody","finish":"stop"}`))
	case len(asked.Approval.Answers) > 0:
		answer := asked.Approval.Answers[0]
		return emit(fmt.Appendf(nil, `{"type":"done","text":"%s %s %s %s","finish":"stop"}`, asked.Approval.State, answer.ID, answer.Answer, answer.Word))
	}
	expires := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	_ = emit(fmt.Appendf(nil, `{"type":"approval","id":"c1","tool":"mail","arguments":{"to":"bob"},"reason":"It sends.","covers":"path a","expires":%q}`, expires))
	return emit([]byte(`{"type":"done","text":"","finish":"approval","state":"sealed"}`))
}

// What a person at a client may do with the form, and what the agent is told.
var responses = map[string]string{
	`{"action":"accept","content":{"answer":"once"}}`:              "sealed c1 once ",
	`{"action":"accept","content":{"answer":"conversation"}}`:      "sealed c1 conversation ",
	`{"action":"accept","content":{"answer":"deny","word":"Ann"}}`: "sealed c1 deny Ann",
	`{"action":"accept","content":{"answer":"yes"}}`:               "sealed c1 deny ",
	`{"action":"accept","content":{"answer":"once","word":7}}`:     "sealed c1 deny ",
	`{"action":"accept","content":{}}`:                             "sealed c1 deny ",
	`{"action":"accept"}`:                                          "sealed c1 deny ",
	`{"action":"decline","content":{"answer":"once"}}`:             "sealed c1 deny ",
	`{"action":"cancel"}`:                                          "sealed c1 deny ",
	`{}`:                                                           "sealed c1 deny ",
	`null`:                                                         "sealed c1 deny ",
}

const shown = `"message":"May mail run with {\"to\":\"bob\"}?\nIt sends."`

func modernCall(capabilities, more string) string {
	return asking + `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":` + capabilities + `}` + more + `}}`
}

// Without a handshake the result asks, and the client repeats its request with the answer.
func TestApprovalWithoutHandshake(t *testing.T) {
	t.Parallel()
	for _, options := range []Options{{}, {Stateless: true}} {
		url := serve(t, newApproving(t, options))
		ask := func(capabilities, more string) string {
			_, body := post(t, url, modernCall(capabilities, more), headers("tools/call", nameHeader, "ask")...)
			return body
		}
		for _, capabilities := range []string{`{"elicitation":{}}`, `{"elicitation":{"form":{}}}`, `{"elicitation":{"form":{},"url":{}}}`} {
			body := ask(capabilities, "")
			for _, want := range []string{`"resultType":"input_required"`, `"requestState":"sealed"`, `"inputRequests":{"c1":{"method":"elicitation/create"`, shown} {
				if !strings.Contains(body, want) {
					t.Errorf("%s: no %s in %s", capabilities, want, body)
				}
			}
		}
		for _, capabilities := range []string{`{}`, `{"elicitation":{"url":{}}}`, `{"elicitation":null}`, `[]`} {
			if body := ask(capabilities, ""); !strings.Contains(body, `"text":"nobody"`) || !strings.Contains(body, `"complete"`) {
				t.Errorf("%s: %s", capabilities, body)
			}
		}
		for response, want := range responses {
			body := ask(`{"elicitation":{}}`, `,"requestState":"sealed","inputResponses":{"c1":`+response+`}`)
			if !strings.Contains(body, `"text":"`+want+`"`) || !strings.Contains(body, `"resultType":"complete"`) {
				t.Errorf("%s: %s", response, body)
			}
		}
	}
}

// initialized returns the id of a session whose client has the capabilities.
func initialized(t *testing.T, url, version, capabilities string) string {
	t.Helper()
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":%q,"capabilities":%s}}`, version, capabilities)
	response, _ := post(t, url, body)
	return response.Header.Get(sessionHeader)
}

// follow sends a call and returns the messages of its stream.
func follow(t *testing.T, url, session string) *bufio.Scanner {
	t.Helper()
	request := agenttest.NewRequest(t, http.MethodPost, url, asking+"}}", sessionHeader, session, "Accept", "application/json, text/event-stream")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return bufio.NewScanner(response.Body)
}

func nextData(lines *bufio.Scanner) string {
	for lines.Scan() {
		if data, found := strings.CutPrefix(lines.Text(), "data: "); found {
			return data
		}
	}
	return ""
}

func questionID(t *testing.T, message string) string {
	t.Helper()
	var question struct{ ID, Method string }
	if json.Unmarshal([]byte(message), &question) != nil || question.Method != elicit || !strings.Contains(message, shown) {
		t.Fatalf("not a question: %s", message)
	}
	return question.ID
}

// With a handshake the server asks on the stream of the call, and the client answers in a
// request of its own. Another session can't answer.
func TestApprovalWithHandshake(t *testing.T) {
	t.Parallel()
	url := serve(t, newApproving(t, Options{}))
	session := initialized(t, url, "2025-06-18", `{"elicitation":{}}`)
	stranger := initialized(t, url, "2025-06-18", `{"elicitation":{}}`)
	for result, want := range responses {
		lines := follow(t, url, session)
		id := questionID(t, nextData(lines))
		yes := fmt.Sprintf(`{"jsonrpc":"2.0","id":%q,"result":{"action":"accept","content":{"answer":"once"}}}`, id)
		post(t, url, yes, sessionHeader, stranger)
		post(t, url, yes)
		post(t, url, strings.Replace(yes, id, "other", 1), sessionHeader, session)
		if result == "null" {
			post(t, url, fmt.Sprintf(`{"jsonrpc":"2.0","id":%q,"error":{"code":-32601,"message":"no"}}`, id), sessionHeader, session)
		} else {
			post(t, url, fmt.Sprintf(`{"jsonrpc":"2.0","id":%q,"result":%s}`, id, result), sessionHeader, session)
		}
		if got := nextData(lines); !strings.Contains(got, `"text":"`+want+`"`) || !strings.Contains(got, `"id":1`) {
			t.Errorf("%s: %s", result, got)
		}
		// Sent again, it answers nothing.
		if response, body := post(t, url, yes, sessionHeader, session); response.StatusCode != http.StatusAccepted || body != "" {
			t.Errorf("again: %d %s", response.StatusCode, body)
		}
	}
}

// Where nobody can be asked, the agent is told so.
func TestNobodyToApprove(t *testing.T) {
	t.Parallel()
	url := serve(t, newApproving(t, Options{}))
	stateless := serve(t, newApproving(t, Options{Stateless: true}))
	forms := initialized(t, url, "2025-11-25", `{"elicitation":{"form":{}}}`)
	const both = "application/json, text/event-stream"
	for name, test := range map[string]struct{ url, session, accept string }{
		"no forms":        {url, initialized(t, url, "2025-11-25", `{}`), both},
		"addresses only":  {url, initialized(t, url, "2025-11-25", `{"elicitation":{"url":{}}}`), both},
		"an old version":  {url, initialized(t, url, "2025-03-26", `{"elicitation":{}}`), both},
		"no session":      {url, "", both},
		"no stream":       {url, forms, "application/json"},
		"nothing is kept": {stateless, forms, both},
	} {
		_, body := post(t, test.url, asking+"}}", sessionHeader, test.session, "Accept", test.accept)
		if !strings.Contains(body, `"text":"nobody"`) {
			t.Errorf("%s: %s", name, body)
		}
	}
}

func TestApprovalOverStdio(t *testing.T) {
	t.Parallel()
	in, client := io.Pipe()
	server, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := newApproving(t, Options{}).Serve(t.Context(), in, out)
		out.Close()
		ended <- err
	}()
	lines := bufio.NewScanner(server)
	send := func(line string) { _, _ = io.WriteString(client, line+"\n") }
	next := func() string { lines.Scan(); return lines.Text() }
	send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{"form":{}}}}}`)
	next()
	for result, want := range responses {
		send(asking + "}}")
		id := questionID(t, next())
		send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%q,"result":%s}`, id, strings.Replace(result, "null", "[]", 1)))
		if got := next(); !strings.Contains(got, `"text":"`+want+`"`) {
			t.Errorf("%s: %s", result, got)
		}
	}
	// A client that is gone answers nothing any more.
	send(asking + "}}")
	questionID(t, next())
	client.Close()
	if got := next(); !strings.Contains(got, "sealed c1 deny nobody can be asked here") {
		t.Errorf("gone: %s", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// An agent that replaces another takes the answers to what that one asked.
func TestApprovalAcrossAgents(t *testing.T) {
	t.Parallel()
	sessions := NewSessions()
	before := serve(t, newApproving(t, Options{Sessions: sessions}))
	after := serve(t, newApproving(t, Options{Sessions: sessions}))
	session := initialized(t, before, "2025-11-25", `{"elicitation":{"form":{}}}`)
	lines := follow(t, before, session)
	id := questionID(t, nextData(lines))
	post(t, after, fmt.Sprintf(`{"jsonrpc":"2.0","id":%q,"result":{"action":"accept","content":{"answer":"once"}}}`, id), sessionHeader, session)
	if got := nextData(lines); !strings.Contains(got, `"text":"sealed c1 once "`) {
		t.Errorf("got %s", got)
	}
}

// Questions that nobody answers are bounded.
func TestMostQuestions(t *testing.T) {
	t.Parallel()
	q := newQuestions()
	for i := range maxQuestions {
		q.waiting[fmt.Sprint(i)] = nil
	}
	if _, err := q.ask(t.Context(), "s", elicit, nil, func(any) error { return nil }); err != errNobody {
		t.Error(err)
	}
}
