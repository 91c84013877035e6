package mcpclient

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"agent.local/a0000000000000000/mcpspec"
)

// Names of headers after RFC 9110, and the types that the protocol lets a header carry.
var (
	headerName  = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	headerTypes = []string{"string", "integer", "boolean"}
)

// callHeaders returns what the newest version wants in headers: the tool's name, and the
// arguments whose schema names a header. Its error is for a tool whose schema names some
// that the protocol does not allow.
func callHeaders(pinned Pinned, arguments json.RawMessage) (map[string]string, error) {
	headers := map[string]string{"Mcp-Name": pinned.Name}
	if fault := addHeaders(headers, map[string]bool{}, pinned.Schema, arguments); fault != "" {
		return nil, fmt.Errorf("the tool %s can't be called: its schema has %s, which the protocol does not allow; tell the user", pinned.Name, fault)
	}
	return headers, nil
}

// property is a schema, of a tool or of one of its arguments.
type property struct {
	Header     *string                    `json:"x-mcp-header"`
	Type       any                        `json:"type"`
	Properties map[string]json.RawMessage `json:"properties"`
}

// addHeaders adds the headers of a schema for arguments, and returns what is wrong in it.
// Named has those so far, in lower case.
func addHeaders(headers map[string]string, named map[string]bool, schema, arguments json.RawMessage) (fault string) {
	var described property
	if json.Unmarshal(schema, &described) != nil {
		return ""
	}
	if described.Header != nil {
		if fault := described.fault(named); fault != "" {
			return fault
		}
		if len(arguments) > 0 && !bytes.Equal(arguments, []byte("null")) {
			value := string(arguments)
			_ = json.Unmarshal(arguments, &value)
			headers["Mcp-Param-"+*described.Header] = value
		}
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(arguments, &fields)
	for name, each := range described.Properties {
		if fault := addHeaders(headers, named, each, fields[name]); fault != "" {
			return fault
		}
	}
	return ""
}

func (p property) fault(named map[string]bool) string {
	name, key := *p.Header, strings.ToLower(*p.Header)
	switch {
	case !headerName.MatchString(name):
		return fmt.Sprintf("the name of a header %q", clip(name, 40))
	case !fitsHeader(p.Type):
		return fmt.Sprintf("the header %s for something else than text, a whole number or yes and no", name)
	case named[key]:
		return fmt.Sprintf("the header %s twice", name)
	}
	named[key] = true
	return ""
}

// fitsHeader reports whether a type of a schema, or a list of types, may be in a header. A
// schema without a type may allow only such values.
func fitsHeader(kind any) bool {
	switch kind := kind.(type) {
	case string:
		return slices.Contains(headerTypes, kind)
	case []any:
		return !slices.ContainsFunc(kind, func(each any) bool { return each != "null" && !fitsHeader(each) })
	}
	return true
}

// wantsHeaders reports whether the server speaks a version that has arguments in headers.
func (c *Client) wantsHeaders() bool {
	_, isHTTP := c.conn.(*httpConn)
	c.mu.Lock()
	defer c.mu.Unlock()
	return isHTTP && c.version == mcpspec.Modern
}

// headerValue encodes what a header can't carry as it is.
func headerValue(value string) string {
	isPlain := strings.TrimSpace(value) == value && !strings.HasPrefix(value, "=?base64?")
	for _, r := range value {
		isPlain = isPlain && r >= 0x20 && r < 0x7f
	}
	if isPlain {
		return value
	}
	return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(value)) + "?="
}
