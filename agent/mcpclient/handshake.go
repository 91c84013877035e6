package mcpclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"agent.local/a0000000000000000/mcpspec"
)

// open finds the version that the server speaks. The caller holds the lock.
func (c *Client) open(ctx context.Context) error {
	if c.version != "" {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, openTime, fmt.Errorf("the server did not answer within %v", openTime))
	defer cancel()
	if !c.legacyFirst {
		isModern, err := c.discover(ctx)
		if isModern || err != nil {
			return err
		}
	}
	return c.initialize(ctx)
}

// discover reports whether the server speaks the version without a handshake. Any answer
// but that means an older one; an error, that there was none.
func (c *Client) discover(ctx context.Context) (bool, error) {
	c.conn.use(mcpspec.Modern)
	answer, err := c.conn.send(ctx, c.request(mcpspec.Modern, "server/discover", map[string]any{}), nil)
	if err == nil && answer.Error.offers(mcpspec.Modern) {
		// It refused the version that it names.
		answer, err = c.conn.send(ctx, c.request(mcpspec.Modern, "server/discover", map[string]any{}), nil)
	}
	var status *statusError
	switch {
	case errors.As(err, &status) && !status.isKey():
		return false, nil
	case err != nil:
		return false, err
	case answer.Error != nil:
		return false, noCommonVersion(answer.Error)
	}
	var found struct {
		Versions []string `json:"supportedVersions"`
	}
	isModern := json.Unmarshal(answer.Result, &found) == nil && slices.Contains(found.Versions, mcpspec.Modern)
	if isModern {
		c.version = mcpspec.Modern
	}
	return isModern, nil
}

// noCommonVersion returns an error if a server says that it speaks none of the versions.
func noCommonVersion(refused *rpcError) error {
	if refused.Code != mcpspec.CodeBadVersion || slices.ContainsFunc(mcpspec.Legacy, refused.offers) {
		return nil
	}
	return fmt.Errorf("the server speaks none of the protocol's versions that this agent knows: %w", refused)
}

func (c *Client) initialize(ctx context.Context) error {
	c.conn.use("")
	answer, err := c.conn.send(ctx, message{JSONRPC: "2.0", ID: c.nextID(), Method: "initialize", Params: map[string]any{
		"protocolVersion": mcpspec.Legacy[0], "capabilities": map[string]any{}, "clientInfo": clientInfo,
	}}, nil)
	if err == nil && answer.Error != nil {
		err = answer.Error
	}
	if err != nil {
		return err
	}
	var opened struct {
		Version string `json:"protocolVersion"`
	}
	if json.Unmarshal(answer.Result, &opened) != nil || !slices.Contains(mcpspec.Legacy, opened.Version) {
		return fmt.Errorf("the server wants version %q of the protocol, which this agent does not know", clip(opened.Version, 40))
	}
	c.conn.use(opened.Version)
	if _, err := c.conn.send(ctx, message{JSONRPC: "2.0", Method: "notifications/initialized"}, nil); err != nil {
		return err
	}
	c.version, c.legacyFirst = opened.Version, true
	return nil
}

var clientInfo = map[string]string{"name": "agentforge-agent", "version": "1.0"}

// request returns a request of a version.
func (c *Client) request(version, method string, params map[string]any) message {
	if version == mcpspec.Modern {
		meta, _ := params["_meta"].(map[string]any)
		params["_meta"] = withVersion(meta)
	}
	return message{JSONRPC: "2.0", ID: c.nextID(), Method: method, Params: params}
}

func withVersion(meta map[string]any) map[string]any {
	all := map[string]any{
		mcpspec.MetaVersion: mcpspec.Modern, mcpspec.MetaCapabilities: map[string]any{}, mcpspec.MetaClientInfo: clientInfo,
	}
	maps.Copy(all, meta)
	return all
}
