// Package local gives an agent tools of programs on the machine where it runs, which
// speak the Model Context Protocol on their standard input and output.
package local

import (
	"encoding/json"
	"fmt"

	"agent.local/a0000000000000000/mcpclient"
	"agent.local/a0000000000000000/outbound"
	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/transport"
)

// The variables that every program gets: where programs and its own files are. What else
// the agent has in its environment, such as its provider's key, is nobody's business.
var usual = []string{"PATH", "HOME", "USER", "LANG", "TMPDIR", "SystemRoot", "APPDATA", "LOCALAPPDATA", "USERPROFILE", "TEMP", "PATHEXT", "COMSPEC"}

// Where these variables are set, an agent is not on a person's own machine.
var elsewhere = []string{transport.EgressSocket, "AWS_LAMBDA_FUNCTION_NAME"}

func init() {
	tools.Register(tools.Tool{Name: "local", Functions: functions})
}

// settings are those of agent.json. Env names variables that a program gets.
type settings struct {
	Servers []struct {
		Name    string             `json:"name"`
		Command string             `json:"command"`
		Args    []string           `json:"args"`
		Env     []string           `json:"env"`
		Tools   []mcpclient.Pinned `json:"tools"`
	} `json:"servers"`
}

func functions(given json.RawMessage, getenv func(string) string) ([]tools.Tool, error) {
	var s settings
	if given != nil {
		if err := json.Unmarshal(given, &s); err != nil {
			return nil, err
		}
	}
	unavailable := ""
	for _, name := range elsewhere {
		if getenv(name) != "" {
			unavailable = "this is a program of a person's own machine, and runs only where the agent is an executable there; tell the user"
		}
	}
	var all []tools.Tool
	for _, server := range s.Servers {
		if !outbound.ServiceName.MatchString(server.Name) || server.Command == "" {
			return nil, fmt.Errorf("%q is not the name of a program, or it has no command", server.Name)
		}
		var env []string
		for _, name := range append(usual[:len(usual):len(usual)], server.Env...) {
			if value := getenv(name); value != "" {
				env = append(env, name+"="+value)
			}
		}
		connected := mcpclient.Server{
			Name: server.Name, Client: mcpclient.NewStdio(server.Command, server.Args, env), Tools: server.Tools,
			Unavailable: unavailable,
		}
		functions, err := connected.Functions("local")
		if err != nil {
			return nil, err
		}
		all = append(all, functions...)
	}
	return all, nil
}
