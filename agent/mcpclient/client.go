// Package mcpclient calls tools of servers of the Model Context Protocol, of its
// versions with a handshake (up to 2025-11-25) and of the one without (2026-07-28).
package mcpclient

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"agent.local/a0000000000000000/hops"
)

const (
	// A list of tools is trusted for this long; a call after it lists them again.
	listAge  = time.Minute
	callTime = 2 * time.Minute
	openTime = 20 * time.Second
	maxPages = 50
	maxWords = 500
	maxTools = 1000
	// How often a call may be put off.
	maxStates = 5
)

// errExpired reports that the server no longer knows the session.
var errExpired = errors.New("the session with the server ended")

// conn exchanges messages with one server. send returns the response to a request, and
// nothing to a notification; changed is called when the server says that its tools changed.
type conn interface {
	send(ctx context.Context, m message, changed func()) (message, error)
	// use sets the version of the protocol for what follows; empty for none yet.
	use(version string)
	// forget ends the session.
	forget()
}

// Remote is a tool as a server lists it.
type Remote struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	InputSchema json.RawMessage `json:"inputSchema"`
}

// Client talks to one server. It connects with the first call, and is safe for
// concurrent use.
type Client struct {
	conn conn

	mu      sync.Mutex
	version string
	// session counts those that ended.
	session int
	// legacyFirst is set for a server that was found to have a handshake.
	legacyFirst bool
	number      int64
	listed      time.Time
	tools       map[string]Remote
}

func (c *Client) nextID() json.RawMessage {
	c.number++
	return json.RawMessage(strconv.FormatInt(c.number, 10))
}

// ask sends one request and returns its result; once more if the session had expired. The
// caller holds no lock.
func (c *Client) ask(ctx context.Context, method string, params map[string]any, headers map[string]string) (json.RawMessage, error) {
	answer, session, err := c.try(ctx, method, params, headers)
	if errors.Is(err, errExpired) {
		c.end(session)
		answer, _, err = c.try(ctx, method, params, headers)
	}
	switch {
	case err != nil:
		return nil, err
	case answer.Error != nil:
		return nil, answer.Error
	}
	return answer.Result, nil
}

// try opens the connection and sends one request. It also returns the number of the session.
func (c *Client) try(ctx context.Context, method string, params map[string]any, headers map[string]string) (message, int, error) {
	c.mu.Lock()
	session, err := c.session, c.open(ctx)
	m := c.request(c.version, method, params)
	c.mu.Unlock()
	if err != nil {
		return message{}, session, err
	}
	m.headers = headers
	answer, err := c.conn.send(ctx, m, c.outdate)
	return answer, session, err
}

// end forgets a session, unless another call did: then the next one has begun.
func (c *Client) end(session int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if session != c.session {
		return
	}
	c.conn.forget()
	c.version, c.listed = "", time.Time{}
	c.session++
}

// outdate makes the next call list the tools again.
func (c *Client) outdate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listed = time.Time{}
}

// list returns the tools of the server by name.
func (c *Client) list(ctx context.Context) (map[string]Remote, error) {
	c.mu.Lock()
	tools, isFresh := c.tools, time.Since(c.listed) < listAge
	c.mu.Unlock()
	if isFresh {
		return tools, nil
	}
	tools, began := map[string]Remote{}, time.Now()
	params := map[string]any{}
	for range maxPages {
		raw, err := c.ask(ctx, "tools/list", params, nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Tools []Remote `json:"tools"`
			Next  *string  `json:"nextCursor"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, errors.New("the server's list of tools is not readable")
		}
		for _, tool := range page.Tools {
			tools[tool.Name] = tool
		}
		if page.Next == nil || len(tools) > maxTools {
			break
		}
		params = map[string]any{"cursor": *page.Next}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tools, c.listed = tools, began
	return tools, nil
}

// call runs a tool and returns its result as text; isError marks a failure of the tool.
func (c *Client) call(ctx context.Context, name string, arguments json.RawMessage, headers map[string]string) (text string, isError bool, err error) {
	state := ""
	for range maxStates {
		params := map[string]any{"name": name, "arguments": arguments, "_meta": map[string]any{hops.Key: hops.Next(ctx)}}
		if state != "" {
			params["requestState"] = state
		}
		raw, err := c.ask(ctx, "tools/call", params, headers)
		if err != nil {
			return "", false, err
		}
		if state = stateAlone(raw); state == "" {
			return readResult(raw)
		}
	}
	return "", false, errors.New("the server wants to be asked again and again before it answers; tell the user")
}
