// Package calculator is the tool for arithmetic. It is exact for integers and
// fractions, and has the precision of a float64 for functions with other results.
package calculator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"agent.local/a0000000000000000/tools"
)

func init() {
	tools.Register(tools.Tool{
		Name: "calculator",
		Description: "Evaluate an arithmetic expression. Operators: + - * / % (remainder) ^ (power) and parentheses. " +
			"Functions: sqrt abs round(x, digits) floor ceil min max exp ln log(x) (natural) log(x, base) log10 log2 " +
			"sin cos tan asin acos atan (radians). Constants: pi, e.",
		Schema: json.RawMessage(`{"type":"object","properties":{"expression":{"type":"string",` +
			`"description":"For example (3 + 4) * 2^10 / sqrt(2)"}},"required":["expression"],"additionalProperties":false}`),
		Run: run,
	})
}

func run(_ context.Context, arguments json.RawMessage) (string, error) {
	var input struct {
		Expression string `json:"expression"`
	}
	decoder := json.NewDecoder(bytes.NewReader(arguments))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&input); err != nil {
		return "", fmt.Errorf("bad arguments: %w", err)
	}
	return Evaluate(input.Expression)
}

// Evaluate returns the value of an expression as text. A rounded result begins with
// "approximately".
func Evaluate(expression string) (string, error) {
	value, err := parse(expression)
	if err != nil {
		return "", err
	}
	return value.String(), nil
}
