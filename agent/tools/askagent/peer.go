package askagent

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sync"
	"time"

	"agent.local/a0000000000000000/hops"
	"agent.local/a0000000000000000/outbound"
	"agent.local/a0000000000000000/sse"
	"agent.local/a0000000000000000/telemetry"
)

const (
	maxBody = 4 << 20
	// A stream repeats the names of its task with each word.
	maxStream  = 32 << 20
	maxWords   = 500
	cancelTime = 2 * time.Second
	firstPause = 250 * time.Millisecond
	longPause  = 5 * time.Second
)

// peer asks one other agent. It is safe for concurrent use.
type peer struct {
	name     string
	service  *outbound.Service
	endpoint *url.URL
	pinned   pinned
	speaks   *dialect
	limit    time.Duration

	mu   sync.Mutex
	live card
	read time.Time
}

// ask sends a text, as a new question or as the answer that a task waits for, and returns
// what the agent answers. If that takes too long or nobody waits for it any more, the agent is told.
func (p *peer) ask(ctx context.Context, text, taskID string) (string, error) {
	count := hops.Next(ctx)
	if err := hops.Check(count); err != nil {
		return "", err
	}
	ctx, end := context.WithTimeoutCause(ctx, p.limit, fmt.Errorf("the agent did not answer within %v", p.limit))
	defer end()
	live, err := p.verify(ctx)
	if err != nil {
		return "", err
	}
	got, err := p.send(ctx, p.speaks.message(rand.Text(), text, taskID, count), live.Capabilities.Streaming)
	if err == nil && got.message == nil {
		got.task, err = p.wait(ctx, got.task)
	}
	if err != nil {
		p.cancel(ctx, got.task.ID)
		return "", outbound.Reason(ctx, err)
	}
	return p.outcome(got)
}

// send returns what the agent says first. If it streams, that is when its work ends or the stream does.
func (p *peer) send(ctx context.Context, message map[string]any, isStreaming bool) (event, error) {
	method := p.speaks.send
	if isStreaming {
		method = p.speaks.stream
	}
	longer, stop := linger(ctx)
	defer stop()
	response, err := p.post(longer, method, message)
	if err != nil {
		return event{}, err
	}
	defer response.Body.Close()
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if mediaType == "text/event-stream" && response.StatusCode == http.StatusOK {
		return p.follow(response.Body, func() { context.AfterFunc(ctx, stop) })
	}
	result, err := readAnswer(response)
	if err != nil {
		return event{}, err
	}
	return p.speaks.read(result)
}

// linger returns a context that outlives another one a little: only a task whose name is
// known can be cancelled.
func linger(ctx context.Context) (longer context.Context, stop func()) {
	longer, end := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() { time.AfterFunc(cancelTime, end) })
	return longer, func() { unhook(); end() }
}

// follow reads a stream until its task ends or waits; begun is called when the task is
// known. What a broken stream began is asked for later.
func (p *peer) follow(body io.Reader, begun func()) (event, error) {
	events, last := sse.NewReader(io.LimitReader(body, maxStream)), event{}
	for {
		next, err := events.Next()
		if err != nil && last.task.ID != "" {
			return last, nil
		}
		if err != nil {
			return last, errors.New("the agent ended its answer before it began")
		}
		result, err := resultOf([]byte(next.Data))
		if err != nil {
			return last, err
		}
		got, err := p.speaks.read(result)
		if err != nil || got.message != nil {
			return got, err
		}
		if last.task.ID == "" {
			begun()
		}
		if got.task.Status.State == "" {
			got.task.Status = last.task.Status
		}
		if last = got; !last.task.isRunning() {
			// A stream has the answer in pieces, the task has it whole.
			last.task.Status.State = ""
			return last, nil
		}
	}
}

// wait asks for a task until it ends or waits for somebody: the protocol has no other way after a stream.
func (p *peer) wait(ctx context.Context, t task) (task, error) {
	for pause := firstPause; t.isRunning(); pause = min(2*pause, longPause) {
		if t.Status.State != "" {
			select {
			case <-ctx.Done():
				return t, context.Cause(ctx)
			case <-time.After(pause):
			}
		}
		response, err := p.post(ctx, p.speaks.get, map[string]any{"id": t.ID})
		if err != nil {
			return t, err
		}
		result, err := readAnswer(response)
		_ = response.Body.Close()
		if err != nil {
			return t, err
		}
		var now task
		if json.Unmarshal(result, &now) != nil || now.ID != t.ID || now.Status.State == "" {
			return t, errors.New("the agent's task is not readable")
		}
		t = now
	}
	return t, nil
}

// cancel tells the agent that nobody waits for a task any more, if that is why it failed.
func (p *peer) cancel(ctx context.Context, taskID string) {
	if ctx.Err() == nil || taskID == "" {
		return
	}
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer end()
	if response, err := p.post(ctx, p.speaks.cancel, map[string]any{"id": taskID}); err == nil {
		_ = response.Body.Close()
	}
}

func (p *peer) post(ctx context.Context, method string, params map[string]any) (*http.Response, error) {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": rand.Text(), "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	request.Header.Set("A2A-Version", p.speaks.version)
	telemetry.Inject(ctx, request.Header)
	return p.service.Do(request)
}

// readAnswer returns the result in an answer of JSON-RPC.
func readAnswer(response *http.Response) (json.RawMessage, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxBody:
		return nil, fmt.Errorf("the agent's answer is larger than %d MB", maxBody>>20)
	case response.StatusCode != http.StatusOK:
		return nil, statusError(response.StatusCode)
	}
	return resultOf(body)
}

func resultOf(body []byte) (json.RawMessage, error) {
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	switch {
	case json.Unmarshal(body, &answer) != nil:
		return nil, errors.New("the agent's answer is no message of the protocol")
	case answer.Error != nil:
		return nil, fmt.Errorf("the agent answered with error %d: %s", answer.Error.Code, clip(answer.Error.Message, maxWords))
	}
	return answer.Result, nil
}

func statusError(status int) error {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return errors.New("the agent wants a key, or refuses the one that it got; tell the user")
	case status/100 == 3:
		return errors.New("the agent redirects to another address, which is not followed; tell the user")
	}
	return fmt.Errorf("the agent answered %d %s", status, http.StatusText(status))
}
