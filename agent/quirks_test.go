package bundle

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"agent.local/a0000000000000000/conversation"
	"agent.local/a0000000000000000/protocol"
)

// quirk is a line of testdata/quirks.jsonl: what a model server sends, and what the
// agent makes of it.
type quirk struct {
	Name    string
	API     string
	Status  int
	Type    *string
	Headers map[string]string
	Pieces  []string
	Gzip    bool
	// Hold keeps the connection open after the last piece.
	Hold bool
	// Then answers the second request.
	Then *struct {
		Status     int
		Type, Body string
	}
	Want struct {
		// Error is a part of the error event's message. No occurs in no event.
		Text, Finish, Reason, Error, Code, No string
		Usage                                 []int
		// IDs is the number of different ids of calls.
		IDs, Requests, Seconds int
	}
}

func readQuirks(t *testing.T) []quirk {
	t.Helper()
	file, err := os.Open("providers/testdata/quirks.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var list []quirk
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var q quirk
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		list = append(list, q)
	}
	return list
}

// quirkyServer plays a quirk, and repeats the results of tools as its next answer.
type quirkyServer struct {
	quirk
	mu       sync.Mutex
	requests int
}

func (s *quirkyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests++
	second := s.requests > 1
	s.mu.Unlock()
	switch results := toolResults(body); {
	case results != nil:
		s.sendText(w, "tools gave "+strings.Join(results, " and "))
	case second && s.Then != nil:
		w.Header().Set("Content-Type", s.Then.Type)
		w.WriteHeader(max(s.Then.Status, http.StatusOK))
		_, _ = io.WriteString(w, s.Then.Body)
	default:
		s.play(w, r)
	}
}

func (s *quirkyServer) play(w http.ResponseWriter, r *http.Request) {
	w.Header()["Content-Type"] = []string{"text/event-stream"}
	if s.Type != nil {
		w.Header()["Content-Type"] = []string{*s.Type}
	}
	for name, value := range s.Headers {
		w.Header().Set(name, value)
	}
	out := io.Writer(w)
	if s.Gzip {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		defer packed.Close()
		out = packed
	}
	w.WriteHeader(max(s.Status, http.StatusOK))
	for _, piece := range s.Pieces {
		if encoded, found := strings.CutPrefix(piece, "hex:"); found {
			raw, _ := hex.DecodeString(encoded)
			piece = string(raw)
		}
		_, _ = io.WriteString(out, piece)
		_ = http.NewResponseController(w).Flush()
	}
	if s.Hold {
		<-r.Context().Done()
	}
}

func (s *quirkyServer) sendText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/event-stream")
	encoded, _ := json.Marshal(text)
	if s.API == "anthropic" {
		_, _ = io.WriteString(w, `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":`+string(encoded)+"}}\n\n"+
			`data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}`+"\n\n"+`data: {"type":"message_stop"}`+"\n\n")
		return
	}
	_, _ = io.WriteString(w, `data: {"choices":[{"delta":{"content":`+string(encoded)+`},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
}

// toolResults returns the results in a request of either API.
func toolResults(body []byte) []string {
	var request struct {
		Messages []struct {
			Role    string
			Content json.RawMessage
		}
	}
	_ = json.Unmarshal(body, &request)
	var results []string
	for _, message := range request.Messages {
		var text string
		if message.Role == "tool" && json.Unmarshal(message.Content, &text) == nil {
			results = append(results, text)
		}
		var blocks []struct{ Type, Content string }
		_ = json.Unmarshal(message.Content, &blocks)
		for _, block := range blocks {
			if block.Type == "tool_result" {
				results = append(results, block.Content)
			}
		}
	}
	return results
}

// ask sends a question to the sample agent, with url as its provider.
func ask(t *testing.T, api, url string) (done protocol.Event, events string, ids []string) {
	t.Helper()
	document := string(blueprint)
	if api == "anthropic" {
		document = strings.Replace(document, `"api":"openai"`, `"api":"anthropic"`, 1)
	}
	environment := map[string]string{"OPENAI_API_KEY": "sk-test-0123456789abcdef", "OPENAI_BASE_URL": url}
	agent := conversation.New([]byte(document), func(name string) string { return environment[name] })
	request := protocol.EncodeRequest([]protocol.Message{{Role: "user", Content: "2+3?"}})
	var usage protocol.Event
	done, err := protocol.Handle(t.Context(), agent, request, func(e protocol.Event, raw []byte) error {
		events += string(raw) + "\n"
		var call struct{ ID string }
		switch _ = json.Unmarshal(raw, &call); e.Type {
		case "tool_call":
			ids = append(ids, call.ID)
		case "usage":
			usage = e
		}
		return nil
	})
	if done.Type == "error" && err == nil {
		err = errors.New("an error event without an error")
		t.Error(err)
	}
	done.Input, done.Output = usage.Input, usage.Output
	return done, events, ids
}

func TestQuirks(t *testing.T) {
	t.Parallel()
	for _, q := range readQuirks(t) {
		t.Run(q.Name, func(t *testing.T) {
			t.Parallel()
			player := &quirkyServer{quirk: q}
			server := httptest.NewServer(player)
			defer server.Close()
			started := time.Now()
			done, events, ids := ask(t, q.API, server.URL)
			server.CloseClientConnections()
			want := q.Want
			if done.Text != want.Text || want.Finish != "" && done.Finish != want.Finish || done.Reason != want.Reason {
				t.Errorf("got the text %q and the finish %q %q", done.Text, done.Finish, done.Reason)
			}
			if (done.Type == "error") != (want.Error != "") || !strings.Contains(done.Message, want.Error) {
				t.Errorf("got the error %q", done.Message)
			}
			if want.Code != "" && done.Code != want.Code {
				t.Errorf("got the code %s", done.Code)
			}
			if want.Usage != nil && !slices.Equal(want.Usage, []int{done.Input, done.Output}) {
				t.Errorf("got the usage %d, %d", done.Input, done.Output)
			}
			slices.Sort(ids)
			if want.IDs != 0 && len(slices.Compact(ids)) != want.IDs {
				t.Errorf("got the ids %v", ids)
			}
			encoded, _ := json.Marshal(want.No)
			for _, form := range []string{want.No, strings.Trim(string(encoded), `"`), `\u0000`, "\x00"} {
				if form != "" && strings.Contains(events, form) {
					t.Errorf("%q is in %s", form, events)
				}
			}
			if want.Requests != 0 && player.requests != want.Requests {
				t.Errorf("%d requests", player.requests)
			}
			if want.Seconds != 0 && time.Since(started) > time.Duration(want.Seconds)*time.Second {
				t.Errorf("took %s", time.Since(started))
			}
		})
	}
}
