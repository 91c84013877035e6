// Package mcp gives an agent tools of servers of the Model Context Protocol, at the
// addresses that its owner chose.
package mcp

import (
	"encoding/json"

	"agent.local/a0000000000000000/mcpclient"
	"agent.local/a0000000000000000/tools"
)

func init() {
	tools.Register(tools.Tool{Name: "mcp", Functions: functions})
}

// settings are those of agent.json.
type settings struct {
	Servers []mcpclient.HTTPServer `json:"servers"`
}

func functions(given json.RawMessage, getenv func(string) string) ([]tools.Tool, error) {
	var s settings
	if given != nil {
		if err := json.Unmarshal(given, &s); err != nil {
			return nil, err
		}
	}
	var all []tools.Tool
	for _, server := range s.Servers {
		connected, err := server.Connect(getenv)
		if err != nil {
			return nil, err
		}
		functions, err := connected.Functions("mcp")
		if err != nil {
			return nil, err
		}
		all = append(all, functions...)
	}
	return all, nil
}
