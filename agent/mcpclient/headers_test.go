package mcpclient

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The headers that the protocol does not allow make a tool unusable, and no other one.
func TestHeadersOfTools(t *testing.T) {
	t.Parallel()
	for properties, want := range map[string]string{
		`"a":{"type":"string","x-mcp-header":"Region"},"b":{"type":"integer","x-mcp-header":"n"}`: "map[Mcp-Name:x Mcp-Param-Region:east Mcp-Param-n:2]",
		`"a":{"x-mcp-header":"R"},"b":{"type":["integer","null"],"x-mcp-header":"N"}`:             "map[Mcp-Name:x Mcp-Param-N:2 Mcp-Param-R:east]",
		`"o":{"type":"object","properties":{"p":{"type":"boolean","x-mcp-header":"P"}}}`:          "map[Mcp-Name:x Mcp-Param-P:true]",
		`"none":{"type":"string","x-mcp-header":"R"},"null":{"type":"string","x-mcp-header":"S"}`: "map[Mcp-Name:x]",
		`"a":{"type":"string"}`:                                                                "map[Mcp-Name:x]",
		`"a":{"type":"string","x-mcp-header":""}`:                                              `the name of a header ""`,
		`"a":{"type":"string","x-mcp-header":"a\r\nb"}`:                                        "the name of a header",
		`"b":{"type":"number","x-mcp-header":"N"}`:                                             "header N for something else",
		`"b":{"type":["number","string"],"x-mcp-header":"N"}`:                                  "header N for something else",
		`"o":{"type":"object","x-mcp-header":"O"}`:                                             "header O for something else",
		`"none":{"type":"null","x-mcp-header":"N"}`:                                            "header N for something else",
		`"a":{"type":"string","x-mcp-header":"R"},"none":{"type":"string","x-mcp-header":"r"}`: "twice",
		`"o":{"properties":{"p":{"type":"array","x-mcp-header":"P"}}}`:                         "header P for something else",
	} {
		pinned := Pinned{Name: "x", Schema: json.RawMessage(`{"type":"object","properties":{` + properties + `}}`)}
		headers, err := callHeaders(pinned, json.RawMessage(`{"a":"east","b":2,"o":{"p":true},"null":null}`))
		got := fmt.Sprint(headers)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s", properties, got)
		}
	}
}

// A server that wants nothing but its state back gets it, each time another one, and not for ever.
func TestCallsThatAreContinued(t *testing.T) {
	t.Parallel()
	for times, want := range map[int]string{1: "It is", maxStates - 1: "It is", maxStates: "again and again"} {
		p := &peer{modern: true, description: "Finds.", result: plainResult, continued: times}
		text, err := connected(t, p).Run(t.Context(), json.RawMessage(`{}`))
		if !strings.Contains(fmt.Sprint(text, err), want) || p.continued != 0 {
			t.Errorf("%d: %s, %v, %d left", times, text, err, p.continued)
		}
	}
}

// The first answer refuses the version that it names as supported.
func TestVersionIsAskedForAgain(t *testing.T) {
	t.Parallel()
	p := &peer{modern: true, description: "Finds.", result: plainResult, refuses: 1}
	if text, err := connected(t, p).Run(t.Context(), json.RawMessage(`{}`)); err != nil || !strings.Contains(text, "It is") {
		t.Errorf("%s, %v", text, err)
	}
	p = &peer{modern: true, description: "Finds.", result: plainResult, refuses: 9}
	if _, err := connected(t, p).Run(t.Context(), json.RawMessage(`{}`)); err == nil || !strings.Contains(err.Error(), "none of the protocol's versions") {
		t.Error(err)
	}
}
