// Package jsonschema checks values against the part of JSON Schema 2020-12 that
// structured answers use. It reads no other document: a $ref stays in the schema.
package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const (
	maxSchema = 256 << 10
	maxDepth  = 64
	// Steps of one check: nested alternatives must not take exponential time.
	maxSteps = 200_000
)

// Schema is a schema that was found to be usable.
type Schema struct {
	root     any
	patterns map[string]*regexp.Regexp
}

// Parse returns the schema in raw, or an error that names what this package does not
// support: references to other documents, and patterns that are not RE2.
func Parse(raw []byte) (*Schema, error) {
	if len(raw) > maxSchema {
		return nil, errors.New("the schema is larger than 256 KiB")
	}
	root, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("the schema is not JSON: %w", err)
	}
	s := &Schema{root: root, patterns: map[string]*regexp.Regexp{}}
	if err := s.inspect(root, 0); err != nil {
		return nil, err
	}
	return s, nil
}

// decode keeps numbers as written, so that large integers stay integers.
func decode(raw []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, errors.New("text follows the value")
	}
	return value, nil
}

// The keywords whose values are schemas, by the form of their values.
var (
	single = []string{"additionalProperties", "items", "not", "contains", "propertyNames", "if", "then", "else"}
	lists  = []string{"allOf", "anyOf", "oneOf", "prefixItems"}
	named  = []string{"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)

func (s *Schema) inspect(node any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("the schema is nested more than %d levels deep", maxDepth)
	}
	if _, isBool := node.(bool); isBool {
		return nil
	}
	schema, ok := node.(map[string]any)
	if !ok {
		return errors.New("a schema is an object, or true or false")
	}
	if err := s.inspectKeywords(schema); err != nil {
		return err
	}
	for _, child := range children(schema) {
		if err := s.inspect(child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func children(schema map[string]any) (found []any) {
	for _, keyword := range single {
		if child, ok := schema[keyword]; ok {
			found = append(found, child)
		}
	}
	for _, keyword := range lists {
		entries, _ := schema[keyword].([]any)
		found = append(found, entries...)
	}
	for _, keyword := range named {
		entries, _ := schema[keyword].(map[string]any)
		for _, child := range entries {
			found = append(found, child)
		}
	}
	return found
}

func (s *Schema) inspectKeywords(schema map[string]any) error {
	if reference, ok := schema["$ref"].(string); ok {
		if _, err := s.resolve(reference); err != nil {
			return err
		}
	}
	if pattern, ok := schema["pattern"].(string); ok {
		if err := s.compile(pattern); err != nil {
			return err
		}
	}
	properties, _ := schema["patternProperties"].(map[string]any)
	for pattern := range properties {
		if err := s.compile(pattern); err != nil {
			return err
		}
	}
	for _, name := range typesOf(schema) {
		if !strings.Contains(" null boolean object array number integer string ", " "+name+" ") {
			return fmt.Errorf("the schema has the unknown type %q", name)
		}
	}
	return nil
}

func (s *Schema) compile(pattern string) error {
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("the schema's pattern %q is not supported: %w", pattern, err)
	}
	s.patterns[pattern] = compiled
	return nil
}

// resolve follows a JSON pointer within the document.
func (s *Schema) resolve(reference string) (any, error) {
	pointer, local := strings.CutPrefix(reference, "#")
	if !local || pointer != "" && pointer[0] != '/' {
		return nil, fmt.Errorf("the schema's $ref %q leaves the schema; use #/$defs/…", reference)
	}
	node := s.root
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer == "" {
			break
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		object, _ := node.(map[string]any)
		child, ok := object[part]
		if !ok {
			return nil, fmt.Errorf("the schema's $ref %q leads nowhere", reference)
		}
		node = child
	}
	return node, nil
}

// Check returns what is wrong with a JSON text, or nil.
func (s *Schema) Check(text []byte) error {
	value, err := decode(text)
	if err != nil {
		return fmt.Errorf("it is not JSON: %w", err)
	}
	return (&check{Schema: s}).value(s.root, value, "$", 0)
}
