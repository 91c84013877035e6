package jsonschema

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	const person = `{"type":"object","properties":{"name":{"type":"string","minLength":1},"age":{"type":["integer","null"],"minimum":0}},
		"required":["name","age"],"additionalProperties":false}`
	const tree = `{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["next"]}}}`
	tests := []struct{ schema, value, want string }{
		{person, `{"name":"Ada","age":36}`, ""},
		{person, `{"name":"Ada","age":null}`, ""},
		{person, `{"name":"Ada","age":36.0}`, ""},
		{person, `{"name":"Ada"}`, `$ lacks "age"`},
		{person, `{"name":"","age":1}`, "$.name has 0 length"},
		{person, `{"name":"Ada","age":1.5}`, "$.age must be of type integer or null"},
		{person, `{"name":"Ada","age":-1}`, "$.age is out of range"},
		{person, `{"name":"Ada","age":1,"x":2}`, "$.x is not allowed"},
		{person, `[1]`, "$ must be of type object"},
		{person, `{"name":`, "it is not JSON"},
		{person, `{"name":"Ada","age":1} {}`, "text follows"},
		{tree, `{"next":{"next":null}}`, ""},
		{tree, `{"next":{"next":3}}`, "$.next"},
		{`{"enum":["a",1,null]}`, `1.0`, ""},
		{`{"enum":["a",1,null]}`, `"b"`, "must be one of"},
		{`{"const":{"a":1}}`, `{"a":1}`, ""},
		{`{"type":"array","items":{"type":"string"},"minItems":1,"uniqueItems":true}`, `["a","a"]`, "twice"},
		{`{"prefixItems":[{"type":"string"}],"items":false}`, `["a",1]`, "$[1] is not allowed"},
		{`{"oneOf":[{"type":"integer"},{"type":"number"}]}`, `1`, "more than one"},
		{`{"allOf":[{"minimum":1},{"maximum":3}]}`, `4`, "maximum"},
		{`{"not":{"type":"null"}}`, `null`, "excludes"},
		{`{"if":{"type":"string"},"then":{"pattern":"^a"},"else":{"multipleOf":5}}`, `"b"`, "must match"},
		{`{"if":{"type":"string"},"then":{"pattern":"^a"},"else":{"multipleOf":5}}`, `7`, "multiple"},
		{`{"patternProperties":{"^x":{"type":"integer"}},"additionalProperties":{"type":"boolean"}}`, `{"x1":1,"y":true}`, ""},
		{`{"patternProperties":{"^x":{"type":"integer"}}}`, `{"x1":"1"}`, "$.x1"},
		{`true`, `1`, ""},
		{`{"type":"integer"}`, `123456789012345678901234567890`, ""},
	}
	for _, test := range tests {
		schema, err := Parse([]byte(test.schema))
		if err != nil {
			t.Errorf("%s: %v", test.schema, err)
			continue
		}
		if got := fmt.Sprint(schema.Check([]byte(test.value))); got != "<nil>" && test.want == "" || !strings.Contains(got, test.want) {
			t.Errorf("%s of %s: %s", test.value, test.schema, got)
		}
	}
}

func TestSchemasThatAreRefused(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{`: "not JSON", `[]`: "an object", `{"$ref":"https://example.com/x"}`: "leaves the schema", `{"$ref":"#/$defs/x"}`: "nowhere",
		`{"properties":{"a":{"pattern":"(?=x)"}}}`: "not supported", `{"type":"text"}`: "unknown type",
		strings.Repeat(`{"not":`, 80) + "{}" + strings.Repeat("}", 80): "levels deep",
		`{"const":"` + strings.Repeat("x", maxSchema) + `"}`:           "256 KiB",
	} {
		if _, err := Parse([]byte(schema)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v", schema, err)
		}
	}
}

// Alternatives within alternatives end.
func TestComplexSchema(t *testing.T) {
	t.Parallel()
	schema, err := Parse([]byte(`{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Check([]byte("1")); err == nil {
		t.Error("no error")
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(`{"type":"object"}`, `{"a":1}`)
	f.Add(`{"$ref":"#/a","a":{"pattern":"("}}`, `"x"`)
	f.Fuzz(func(_ *testing.T, schema, value string) {
		if parsed, err := Parse([]byte(schema)); err == nil {
			_ = parsed.Check([]byte(value))
		}
	})
}
