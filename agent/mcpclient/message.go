package mcpclient

import (
	"encoding/json"
	"fmt"
	"slices"

	"agent.local/a0000000000000000/mcpspec"
)

// message is any JSON-RPC message.
type message struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
	// headers are those that streamable HTTP wants beside the body.
	headers map[string]string
}

// rpcError is an error that a server answered with.
type rpcError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

func (e *rpcError) Error() string {
	return fmt.Sprintf("the server answered with error %d: %s", e.Code, clip(e.Message, maxWords))
}

// offers reports whether the error refuses a version and names another one that the server
// speaks.
func (e *rpcError) offers(version string) bool {
	var data struct {
		Supported []string `json:"supported"`
	}
	return e != nil && e.Code == mcpspec.CodeBadVersion && json.Unmarshal(e.Data, &data) == nil && slices.Contains(data.Supported, version)
}

func (m message) isResponse() bool { return m.Method == "" && m.ID != nil }

// reply answers a request of the server: this client has only ping.
func (m message) reply() message {
	answer := message{JSONRPC: "2.0", ID: m.ID}
	if m.Method == "ping" {
		answer.Result = json.RawMessage("{}")
	} else {
		answer.Error = &rpcError{Code: mcpspec.CodeNoMethod, Message: "this client does not offer " + clip(m.Method, 100)}
	}
	return answer
}

func clip(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length]) + " …"
	}
	return text
}
