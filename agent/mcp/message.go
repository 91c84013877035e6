package mcp

import (
	"bytes"
	"encoding/json"
	"net/http"

	"agent.local/a0000000000000000/mcpspec"
)

// request is a JSON-RPC request, or a notification if it has no id.
type request struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  params          `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   json.RawMessage `json:"error"`
}

// params are the parameters of all methods.
type params struct {
	Meta            map[string]json.RawMessage `json:"_meta"`
	ProtocolVersion string                     `json:"protocolVersion"`
	Cursor          *string                    `json:"cursor"`
	Name            string                     `json:"name"`
	Arguments       json.RawMessage            `json:"arguments"`
	RequestID       json.RawMessage            `json:"requestId"`
	Capabilities    json.RawMessage            `json:"capabilities"`
	// Those of a request that goes on after input_required.
	RequestState   string                     `json:"requestState"`
	InputResponses map[string]json.RawMessage `json:"inputResponses"`
}

type response struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *failure        `json:"error,omitempty"`
}

// failure is an error of JSON-RPC.
type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func (f *failure) Error() string { return f.Message }

// status returns the HTTP status that the newest version demands with an error.
func (f *failure) status() int {
	switch f.Code {
	case mcpspec.CodeNoMethod:
		return http.StatusNotFound
	case mcpspec.CodeParse, mcpspec.CodeInvalidRequest, mcpspec.CodeInvalidParams, mcpspec.CodeHeaderMismatch, mcpspec.CodeBadVersion:
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// parse reads one message. The error is a *failure.
func parse(raw []byte) (request, error) {
	var r request
	if !json.Valid(raw) {
		return r, &failure{Code: mcpspec.CodeParse, Message: "the message is not JSON"}
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return request{ID: r.ID}, &failure{Code: mcpspec.CodeInvalidRequest, Message: "send one JSON-RPC message at a time: " + err.Error()}
	}
	if r.JSONRPC != "2.0" || r.Method == "" && !r.isResponse() || !validID(r.ID) {
		return request{ID: r.ID}, &failure{Code: mcpspec.CodeInvalidRequest, Message: "the message is not a JSON-RPC 2.0 request or notification"}
	}
	return r, nil
}

// validID reports whether an id is absent, a string or an integer.
func validID(id json.RawMessage) bool {
	var text string
	var number int64
	return id == nil || !bytes.Equal(id, []byte("null")) && (json.Unmarshal(id, &text) == nil || json.Unmarshal(id, &number) == nil)
}

func (r request) isResponse() bool {
	return r.Method == "" && r.ID != nil && (r.Result != nil || r.Error != nil)
}

func (r request) isNotification() bool { return r.ID == nil && r.Method != "" }

// answer returns the response to the request.
func (r request) answer(result any, err *failure) response {
	id := r.ID
	if id == nil || !validID(id) {
		id = json.RawMessage("null")
	}
	if err != nil {
		return response{JSONRPC: "2.0", ID: id, Error: err}
	}
	return response{JSONRPC: "2.0", ID: id, Result: result}
}

// isModern reports whether the request belongs to the version without a handshake.
func (r request) isModern() bool {
	_, ok := r.Params.Meta[mcpspec.MetaVersion]
	return ok || r.Method == "server/discover"
}

// checkModern returns what the request lacks to be one of the newest version.
func (r request) checkModern() *failure {
	if err := r.checkMeta(); err != nil {
		return err
	}
	var version string
	if json.Unmarshal(r.Params.Meta[mcpspec.MetaVersion], &version) != nil {
		return &failure{Code: mcpspec.CodeInvalidParams, Message: mcpspec.MetaVersion + " is not a string"}
	}
	if version != mcpspec.Modern {
		return unsupported(version)
	}
	return nil
}

func (r request) checkMeta() *failure {
	for _, key := range []string{mcpspec.MetaVersion, mcpspec.MetaCapabilities} {
		if _, ok := r.Params.Meta[key]; !ok {
			return &failure{Code: mcpspec.CodeInvalidParams, Message: "params._meta lacks " + key}
		}
	}
	return nil
}

func unsupported(version string) *failure {
	return &failure{Code: mcpspec.CodeBadVersion, Message: "this version of the protocol is not supported", Data: map[string]any{
		"supported": append([]string{mcpspec.Modern}, mcpspec.Legacy...), "requested": version,
	}}
}
