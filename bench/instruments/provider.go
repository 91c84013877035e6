package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a question may say: how many questions must have arrived before any of them is
// answered; and how many words an answer has that come one a millisecond, each the time
// at which it was sent.
var (
	together = regexp.MustCompile(`together=(\d+)`)
	paced    = regexp.MustCompile(`paced=(\d+)`)
)

const (
	usage = `"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}`
	pace  = time.Millisecond
)

// provider answers OpenAI's chat completions without a pause.
type provider struct {
	mu      sync.Mutex
	waiting int
	begin   chan struct{}
}

func newProvider() *provider { return &provider{begin: make(chan struct{})} }

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasSuffix(r.URL.Path, "/chat/completions") {
		http.Error(w, `{"error":{"message":"not a chat completion"}}`, http.StatusNotFound)
		return
	}
	p.await(r, number(together, body, 1))
	var request struct {
		Stream bool `json:"stream"`
	}
	_ = json.Unmarshal(body, &request)
	if request.Stream {
		stream(w, number(paced, body, 0))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"id":"c","object":"chat.completion","created":1,"model":"instant","choices":[{"index":0,`+
		`"message":{"role":"assistant","content":"word word"},"finish_reason":"stop"}],%s}`, usage)
}

// await returns when so many questions are waiting, or when the client has gone.
func (p *provider) await(r *http.Request, count int) {
	p.mu.Lock()
	p.waiting++
	begin := p.begin
	if p.waiting >= count {
		close(p.begin)
		p.waiting, p.begin = 0, make(chan struct{})
	}
	p.mu.Unlock()
	select {
	case <-begin:
	case <-r.Context().Done():
	}
}

// stream answers with two words at once, or with so many times.
func stream(w http.ResponseWriter, count int) {
	w.Header().Set("Content-Type", "text/event-stream")
	flusher := http.NewResponseController(w)
	send := func(word string) {
		io.WriteString(w, chunk(`"delta":{"role":"assistant","content":"`+word+` "},"finish_reason":null`, ""))
		_ = flusher.Flush()
	}
	if count == 0 {
		send("word")
		send("word")
	} else {
		ticks := time.NewTicker(pace)
		defer ticks.Stop()
		for range count {
			<-ticks.C
			send(sentAt())
		}
	}
	io.WriteString(w, chunk(`"delta":{},"finish_reason":"stop"`, ","+usage)+"data: [DONE]\n\n")
}

// sentAt returns the time as a load of conversations reads it.
func sentAt() string { return fmt.Sprintf("sent=%d", time.Now().UnixNano()) }

func chunk(choice, more string) string {
	return `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"instant","choices":[{"index":0,` +
		choice + `}]` + more + "}\n\n"
}

// number returns the last one that a request names: those before it are history.
func number(named *regexp.Regexp, body []byte, otherwise int) int {
	found := named.FindAllSubmatch(body, -1)
	if found == nil {
		return otherwise
	}
	value, _ := strconv.Atoi(string(found[len(found)-1][1]))
	return value
}
