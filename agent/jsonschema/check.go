package jsonschema

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// check is one check of a value.
type check struct {
	*Schema
	steps int
}

var errTooComplex = errors.New("the schema is too complex to check the answer")

// value checks one value at path against node.
func (c *check) value(node, value any, path string, depth int) error {
	if c.steps++; c.steps > maxSteps || depth > maxDepth {
		return errTooComplex
	}
	if node == false {
		return fmt.Errorf("%s is not allowed", path)
	}
	schema, ok := node.(map[string]any)
	if !ok {
		return nil
	}
	if err := c.plain(schema, value, path); err != nil {
		return err
	}
	if err := c.combined(schema, value, path, depth); err != nil {
		return err
	}
	switch v := value.(type) {
	case map[string]any:
		return c.object(schema, v, path, depth)
	case []any:
		return c.array(schema, v, path, depth)
	}
	return nil
}

// plain checks the keywords that need no other schema.
func (c *check) plain(schema map[string]any, value any, path string) error {
	if names := typesOf(schema); len(names) > 0 && !hasType(names, value) {
		return fmt.Errorf("%s must be of type %s", path, strings.Join(names, " or "))
	}
	if want, ok := schema["const"]; ok && !equal(want, value) {
		return fmt.Errorf("%s must be %s", path, encode(want))
	}
	if choices, ok := schema["enum"].([]any); ok && !contains(choices, value) {
		return fmt.Errorf("%s must be one of %s", path, encode(choices))
	}
	switch v := value.(type) {
	case string:
		if pattern, ok := schema["pattern"].(string); ok && !c.matches(pattern, v) {
			return fmt.Errorf("%s must match %s", path, pattern)
		}
		return within(schema, "Length", int64(utf8.RuneCountInString(v)), path)
	case json.Number:
		return number(schema, v, path)
	case []any:
		return within(schema, "Items", int64(len(v)), path)
	case map[string]any:
		return within(schema, "Properties", int64(len(v)), path)
	}
	return nil
}

// combined checks the keywords that apply other schemas to the same value.
func (c *check) combined(schema map[string]any, value any, path string, depth int) error {
	if reference, ok := schema["$ref"].(string); ok {
		target, err := c.resolve(reference)
		if err != nil {
			return err
		}
		if err := c.value(target, value, path, depth+1); err != nil {
			return err
		}
	}
	for _, entry := range list(schema, "allOf") {
		if err := c.value(entry, value, path, depth+1); err != nil {
			return err
		}
	}
	if alternatives := list(schema, "anyOf"); len(alternatives) > 0 {
		if count, err := c.count(alternatives, value, path, depth); count == 0 {
			return err
		}
	}
	if alternatives := list(schema, "oneOf"); len(alternatives) > 0 {
		switch count, err := c.count(alternatives, value, path, depth); {
		case count == 0:
			return err
		case count > 1:
			return fmt.Errorf("%s fits more than one of the alternatives", path)
		}
	}
	if not, ok := schema["not"]; ok && c.value(not, value, path, depth+1) == nil {
		return fmt.Errorf("%s is what the schema excludes", path)
	}
	return c.conditional(schema, value, path, depth)
}

func (c *check) conditional(schema map[string]any, value any, path string, depth int) error {
	condition, ok := schema["if"]
	if !ok {
		return nil
	}
	branch := "then"
	if c.value(condition, value, path, depth+1) != nil {
		branch = "else"
	}
	if node, ok := schema[branch]; ok {
		return c.value(node, value, path, depth+1)
	}
	return nil
}

// count returns how many alternatives a value fits, and why it does not fit the last.
func (c *check) count(alternatives []any, value any, path string, depth int) (fitting int, last error) {
	for _, entry := range alternatives {
		if err := c.value(entry, value, path, depth+1); err != nil {
			last = err
		} else {
			fitting++
		}
	}
	return fitting, last
}

func (c *check) object(schema, value map[string]any, path string, depth int) error {
	for _, name := range list(schema, "required") {
		if text, ok := name.(string); ok {
			if _, present := value[text]; !present {
				return fmt.Errorf("%s lacks %q", path, text)
			}
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	patterns, _ := schema["patternProperties"].(map[string]any)
	for name, member := range value {
		where := path + "." + name
		node, listed := properties[name]
		if listed {
			if err := c.value(node, member, where, depth+1); err != nil {
				return err
			}
		}
		for pattern, node := range patterns {
			if c.matches(pattern, name) {
				listed = true
				if err := c.value(node, member, where, depth+1); err != nil {
					return err
				}
			}
		}
		if extra, ok := schema["additionalProperties"]; ok && !listed {
			if err := c.value(extra, member, where, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *check) array(schema map[string]any, value []any, path string, depth int) error {
	first := list(schema, "prefixItems")
	for i, entry := range value {
		var node any = true
		if i < len(first) {
			node = first[i]
		} else if rest, ok := schema["items"]; ok {
			node = rest
		}
		if err := c.value(node, entry, fmt.Sprintf("%s[%d]", path, i), depth+1); err != nil {
			return err
		}
		if schema["uniqueItems"] == true && contains(value[:i], entry) {
			return fmt.Errorf("%s has an entry twice", path)
		}
	}
	return nil
}

// matches reports whether text matches a pattern of the schema. Patterns that a $ref
// reaches outside of any schema were not compiled and exclude nothing.
func (c *check) matches(pattern, text string) bool {
	compiled := c.patterns[pattern]
	return compiled == nil || compiled.MatchString(text)
}
