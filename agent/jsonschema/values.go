package jsonschema

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strings"
)

func list(schema map[string]any, keyword string) []any {
	entries, _ := schema[keyword].([]any)
	return entries
}

func typesOf(schema map[string]any) (names []string) {
	if name, ok := schema["type"].(string); ok {
		return []string{name}
	}
	for _, entry := range list(schema, "type") {
		if name, ok := entry.(string); ok {
			names = append(names, name)
		}
	}
	return names
}

func hasType(names []string, value any) bool {
	actual := map[bool]string{true: "null"}[value == nil]
	switch v := value.(type) {
	case bool:
		actual = "boolean"
	case string:
		actual = "string"
	case []any:
		actual = "array"
	case map[string]any:
		actual = "object"
	case json.Number:
		actual = "number"
		if parsed, ok := rational(v); ok && parsed.IsInt() {
			actual = "number integer"
		}
	}
	for _, name := range names {
		if strings.Contains(" "+actual+" ", " "+name+" ") {
			return true
		}
	}
	return false
}

func contains(choices []any, value any) bool {
	for _, choice := range choices {
		if equal(choice, value) {
			return true
		}
	}
	return false
}

func equal(a, b any) bool {
	first, isNumber := a.(json.Number)
	second, bothNumbers := b.(json.Number)
	if isNumber && bothNumbers {
		x, xOK := rational(first)
		y, yOK := rational(second)
		return xOK && yOK && x.Cmp(y) == 0 || first == second
	}
	return reflect.DeepEqual(a, b)
}

func encode(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
}

// rational returns an exact number; numbers with huge exponents are left alone.
func rational(n json.Number) (*big.Rat, bool) {
	if len(n) > 400 || strings.ContainsAny(string(n), "eE") && len(n) > 30 {
		return nil, false
	}
	if value, err := n.Float64(); err != nil || value > 1e300 || value < -1e300 {
		return nil, false
	}
	return new(big.Rat).SetString(string(n))
}

func number(schema map[string]any, n json.Number, path string) error {
	value, ok := rational(n)
	if !ok {
		return nil
	}
	for keyword, fits := range map[string]func(order int) bool{
		"minimum": func(order int) bool { return order >= 0 }, "exclusiveMinimum": func(order int) bool { return order > 0 },
		"maximum": func(order int) bool { return order <= 0 }, "exclusiveMaximum": func(order int) bool { return order < 0 },
	} {
		if bound, ok := bound(schema, keyword); ok && !fits(value.Cmp(bound)) {
			return fmt.Errorf("%s is out of range: %s is %v", path, keyword, schema[keyword])
		}
	}
	if step, ok := bound(schema, "multipleOf"); ok && step.Sign() > 0 && !new(big.Rat).Quo(value, step).IsInt() {
		return fmt.Errorf("%s must be a multiple of %v", path, schema["multipleOf"])
	}
	return nil
}

func bound(schema map[string]any, keyword string) (*big.Rat, bool) {
	n, ok := schema[keyword].(json.Number)
	if !ok {
		return nil, false
	}
	return rational(n)
}

// within checks the bounds of a length or a count: min and max with the suffix.
func within(schema map[string]any, suffix string, size int64, path string) error {
	least, hasLeast := bound(schema, "min"+suffix)
	most, hasMost := bound(schema, "max"+suffix)
	actual := new(big.Rat).SetInt64(size)
	if hasLeast && actual.Cmp(least) < 0 || hasMost && actual.Cmp(most) > 0 {
		return fmt.Errorf("%s has %d %s, out of the schema's range", path, size, strings.ToLower(suffix))
	}
	return nil
}
