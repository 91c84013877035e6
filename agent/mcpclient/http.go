package mcpclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"

	"agent.local/a0000000000000000/mcpspec"
	"agent.local/a0000000000000000/outbound"
)

const (
	maxBody    = 4 << 20
	cancelTime = 2 * time.Second
)

// statusError is an answer without a JSON-RPC message.
type statusError struct{ status int }

func (e *statusError) Error() string {
	switch {
	case e.status == http.StatusUnauthorized:
		return "the server wants a key, or refuses the one that it got; tell the user"
	case e.status/100 == 3:
		return "the server redirects to another address, which is not followed; tell the user"
	}
	return fmt.Sprintf("the server answered %d %s", e.status, http.StatusText(e.status))
}

func (e *statusError) isKey() bool {
	return e.status == http.StatusUnauthorized || e.status == http.StatusForbidden || e.status/100 == 3
}

// httpConn is streamable HTTP.
type httpConn struct {
	service *outbound.Service

	mu      sync.Mutex
	version string
	session string
}

// NewHTTP returns the client of a server. A protocol from an earlier test saves a question.
func NewHTTP(service *outbound.Service, protocol string) *Client {
	return &Client{conn: &httpConn{service: service}, legacyFirst: protocol != "" && protocol != mcpspec.Modern}
}

func (h *httpConn) use(version string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.version = version
}

func (h *httpConn) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.version, h.session = "", ""
}

func (h *httpConn) send(ctx context.Context, m message, changed func()) (message, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return message{}, err
	}
	response, err := h.post(ctx, m, body)
	if err != nil {
		h.cancel(ctx, m)
		return message{}, outbound.Reason(ctx, err)
	}
	defer response.Body.Close()
	if session := response.Header.Get("Mcp-Session-Id"); session != "" && m.Method == "initialize" {
		h.mu.Lock()
		h.session = session
		h.mu.Unlock()
	}
	answer, err := h.read(ctx, m, response, changed)
	if err != nil {
		h.cancel(ctx, m)
		return message{}, outbound.Reason(ctx, err)
	}
	return answer, nil
}

func (h *httpConn) post(ctx context.Context, m message, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.service.Base.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	h.describe(request, m)
	return h.service.Do(request)
}

// describe sets the headers of the protocol.
func (h *httpConn) describe(request *http.Request, m message) {
	h.mu.Lock()
	version, session := h.version, h.session
	h.mu.Unlock()
	request.Header.Set("Accept", "application/json, text/event-stream")
	if version != "" {
		request.Header.Set("MCP-Protocol-Version", version)
	}
	if version != mcpspec.Modern {
		if session != "" {
			request.Header.Set("Mcp-Session-Id", session)
		}
		return
	}
	request.Header.Set("Mcp-Method", m.Method)
	for name, value := range m.headers {
		request.Header.Set(name, headerValue(value))
	}
}

// read returns the response to a message.
func (h *httpConn) read(ctx context.Context, m message, response *http.Response, changed func()) (message, error) {
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if mediaType == "text/event-stream" && response.StatusCode == http.StatusOK {
		return h.readStream(ctx, m, response.Body, changed)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return message{}, err
	}
	h.mu.Lock()
	hasSession := h.session != ""
	h.mu.Unlock()
	var answer message
	switch isMessage := json.Unmarshal(body, &answer) == nil && (answer.Result != nil || answer.Error != nil); {
	case response.StatusCode == http.StatusNotFound && hasSession:
		return message{}, errExpired
	case len(body) > maxBody:
		return message{}, fmt.Errorf("the server's answer is larger than %d MB", maxBody>>20)
	case m.ID == nil && response.StatusCode/100 == 2:
		return message{}, nil
	case isMessage && response.StatusCode != http.StatusUnauthorized:
		return answer, nil
	case response.StatusCode/100 == 2:
		return message{}, errors.New("the server's answer is no message of the protocol")
	}
	return message{}, &statusError{response.StatusCode}
}

// cancel tells a server with a handshake that nobody waits for an answer any more; the
// newest version takes the end of the connection for that.
func (h *httpConn) cancel(ctx context.Context, m message) {
	h.mu.Lock()
	version := h.version
	h.mu.Unlock()
	if ctx.Err() == nil || m.ID == nil || version == mcpspec.Modern || version == "" {
		return
	}
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer end()
	notice := message{JSONRPC: "2.0", Method: "notifications/cancelled", Params: map[string]any{"requestId": m.ID}}
	if body, err := json.Marshal(notice); err == nil {
		if response, err := h.post(ctx, notice, body); err == nil {
			_ = response.Body.Close()
		}
	}
}
