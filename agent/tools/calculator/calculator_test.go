package calculator

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"agent.local/a0000000000000000/tools"
)

func TestEvaluate(t *testing.T) {
	t.Parallel()
	tests := []struct{ expression, want string }{
		{"1+2*3", "7"},
		{"(1+2)*3", "9"},
		{"2^3^2", "512"},
		{"-2^2", "-4"},
		{"(-2)^2", "4"},
		{"2^-2", "0.25"},
		{"--3", "3"},
		{"2*-3", "-6"},
		{"10 - 4 - 3", "3"},
		{"2**10", "1024"},
		{"6 ÷ 2 × 3 − 1", "8"},
		{"0.1+0.2", "0.3"},
		{"1/3*3", "1"},
		{"1/3", "approximately 0.333333333333333"},
		{"7 % 3", "1"},
		{"-7 % 3", "2"},
		{"7.5 % 2", "1.5"},
		{"-pi % 2", "approximately 0.858407346410207"},
		{"2^100", "1267650600228229401496703205376"},
		{"9999999999999999 + 2", "10000000000000001"},
		{"1e3", "1000"},
		{"1.5e-3", "0.0015"},
		{".5 + 5.", "5.5"},
		{"sqrt(16)", "4"},
		{"sqrt(2.25)", "1.5"},
		{"sqrt(2)", "approximately 1.4142135623731"},
		{"√(9)", "3"},
		{"abs(-3)", "3"},
		{"min(3, 1, 2)", "1"},
		{"max(3, pi)", "approximately 3.14159265358979"},
		{"round(2.5)", "3"},
		{"round(-2.5)", "-3"},
		{"round(3.14159, 2)", "3.14"},
		{"round(1234, -2)", "1200"},
		{"round(pi, 3)", "3.142"},
		{"floor(-1.5)", "-2"},
		{"ceil(-1.5)", "-1"},
		{"ceil(1.2)", "2"},
		{"floor(e)", "2"},
		{"ln(e)", "approximately 1"},
		{"log(1)", "0"},
		{"log10(1000)", "3"},
		{"log2(8)", "3"},
		{"log(8, 2)", "approximately 3"},
		{"exp(0)", "1"},
		{"sin(0)", "0"},
		{"cos(0)", "1"},
		{"PI*0", "approximately 0"},
		{"(-1)^1000000000000", "1"},
		{"(-1)^1000000000001", "-1"},
		{"0^0", "1"},
		{"1^9^9^9", "error: the result is too large"},
		{"9^9^9^9", "error: the result is too large"},
		{"9^(-9^9)", "approximately 0"},
		{"(1/3)^5000", "approximately 0"},
		{"2^10000", "error: the result is too large"},
		{"1e999999999", "error: the result is too large"},
		{"1e99999999999999999999", "error: the result is too large"},
		{"1/0", "error: division by zero"},
		{"0^-1", "error: division by zero"},
		{"5 % 0", "error: division by zero"},
		{"sqrt(-1)", "error: the result is not a real number"},
		{"(-8)^0.5", "error: the result is not a real number"},
		{"ln(0)", "error: the result is too large"},
		{"asin(2)", "error: the result is not a real number"},
		{"log(2, 1)", "error: the base of a logarithm must be positive and not 1"},
		{"", "error: the expression ends too early"},
		{"2+", "error: the expression ends too early"},
		{"(2", `error: ")" is missing: the expression ends too early`},
		{"2)", `error: unexpected ')'`},
		{"2 3", `error: unexpected '3'`},
		{"1\x002", `error: unexpected '\x00'`},
		{"1.2.3", `error: "1.2.3" is not a number`},
		{"2e", `error: unexpected 'e'`},
		{"foo(1)", `error: "foo" is not a function or constant`},
		{"sqrt 4", `error: "(" is missing: unexpected '4'`},
		{"sqrt(1,2)", "error: sqrt does not take 2 arguments"},
		{"round(1, 1e9)", "error: round takes a whole number of digits, at most 300"},
		{"__import__('os')", `error: unexpected '_'`},
		{strings.Repeat("(", 500), "error: the expression is nested deeper than 100"},
		{strings.Repeat("-", 500) + "1", "error: the expression is nested deeper than 100"},
		{strings.Repeat("1+", 2000), "error: the expression is longer than 2000 characters"},
	}
	for _, test := range tests {
		t.Run(test.expression[:min(len(test.expression), 30)], func(t *testing.T) {
			t.Parallel()
			got, err := Evaluate(test.expression)
			if err != nil {
				got = "error: " + err.Error()
			}
			if got != test.want {
				t.Errorf("%s = %s, want %s", test.expression, got, test.want)
			}
		})
	}
}

func TestTool(t *testing.T) {
	t.Parallel()
	selected, err := tools.Select([]string{"calculator"})
	if err != nil {
		t.Fatal(err)
	}
	tool := selected[0]
	tests := []struct {
		arguments, want string
		fails           bool
	}{
		{`{"expression":"6*7"}`, "42", false},
		{`{"expression":6}`, "", true},
		{`{"formula":"6*7"}`, "", true},
		{`{}`, "", true},
	}
	for _, test := range tests {
		got, err := tool.Run(t.Context(), json.RawMessage(test.arguments))
		if got != test.want || (err != nil) != test.fails {
			t.Errorf("%s: got %q, %v", test.arguments, got, err)
		}
	}
}

func FuzzEvaluate(f *testing.F) {
	for _, seed := range []string{"1+2*3", "9^9^9^9", "sqrt(2)/3", "round(pi,3)", "((((", "1e999", "-2^-2", "min(1,2,3)%2", "0.1^300*7"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		started := time.Now()
		result, err := Evaluate(expression)
		if (result == "") == (err == nil) {
			t.Errorf("%q: %q, %v", expression, result, err)
		}
		if took := time.Since(started); took > 20*time.Second {
			t.Errorf("%q took %v", expression, took)
		}
	})
}
