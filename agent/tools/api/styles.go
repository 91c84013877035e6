package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// object keeps the order of its fields.
type object []field

type field struct {
	name  string
	value any
}

// literal is a number or a boolean as it was written.
type literal string

// decode returns nil, a string, a literal, a []any or an object. No value and null are
// nil.
func decode(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decodeNext(decoder)
}

func decodeNext(decoder *json.Decoder) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case nil:
		return nil, nil
	case json.Delim:
		if token == '[' {
			return decodeList(decoder)
		}
		return decodeObject(decoder)
	case string:
		return token, nil
	}
	return literal(fmt.Sprint(token)), nil
}

func decodeList(decoder *json.Decoder) (any, error) {
	list := []any{}
	for decoder.More() {
		value, err := decodeNext(decoder)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := decoder.Token()
	return list, err
}

func decodeObject(decoder *json.Decoder) (any, error) {
	fields := object{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		value, err := decodeNext(decoder)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field{fmt.Sprint(name), value})
	}
	_, err := decoder.Token()
	return fields, err
}

// text returns a value as one word: what is nested becomes JSON.
func text(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case literal:
		return string(value)
	}
	return encode(value)
}

func encode(value any) string {
	var out strings.Builder
	switch value := value.(type) {
	case []any:
		for i, each := range value {
			out.WriteString(map[bool]string{true: "[", false: ","}[i == 0] + encode(each))
		}
		if len(value) == 0 {
			out.WriteString("[")
		}
		out.WriteString("]")
	case object:
		out.WriteString("{")
		for i, each := range value {
			if i > 0 {
				out.WriteString(",")
			}
			out.WriteString(encode(each.name) + ":" + encode(each.value))
		}
		out.WriteString("}")
	case literal:
		return string(value)
	default:
		quoted, _ := json.Marshal(value)
		return string(quoted)
	}
	return out.String()
}

// words returns the parts of a value: those of a list, or the names and values of an object.
func words(value any, pair string) []string {
	var parts []string
	switch value := value.(type) {
	case []any:
		for _, each := range value {
			parts = append(parts, text(each))
		}
	case object:
		for _, each := range value {
			parts = append(parts, each.name+pair+text(each.value))
		}
	default:
		parts = append(parts, text(value))
	}
	return parts
}

// simple writes a value for a header.
func (p parameter) simple(value any) string {
	return strings.Join(words(value, map[bool]string{true: "=", false: ","}[p.Explode]), ",")
}

// path writes a value for a path, where nothing of it may begin another segment.
func (p parameter) path(value any) string {
	pair, separator, prefix := ",", ",", ""
	if p.Explode {
		pair = "="
	}
	switch p.Style {
	case "label":
		prefix = "."
		if p.Explode {
			separator = "."
		}
	case "matrix":
		prefix = ";" + url.PathEscape(p.Name) + "="
		if p.Explode {
			return p.matrix(value)
		}
	}
	parts := words(value, pair)
	for i, part := range parts {
		parts[i] = escape(part, pair)
	}
	return prefix + strings.Join(parts, separator)
}

func (p parameter) matrix(value any) string {
	var out strings.Builder
	for _, part := range words(value, "=") {
		if _, isObject := value.(object); isObject {
			out.WriteString(";" + escape(part, "="))
		} else {
			out.WriteString(";" + url.PathEscape(p.Name) + "=" + url.PathEscape(part))
		}
	}
	return out.String()
}

// escape encodes a part of a path but for what joins a name and its value.
func escape(part, pair string) string {
	return strings.ReplaceAll(url.PathEscape(part), url.PathEscape(pair), pair)
}

// query writes a value as the pairs of a query, encoded.
func (p parameter) query(value any) []string {
	name := url.QueryEscape(p.Name)
	separator := map[string]string{"spaceDelimited": "%20", "pipeDelimited": "%7C"}[p.Style]
	if separator == "" {
		separator = ","
	}
	fields, isObject := value.(object)
	list, isList := value.([]any)
	var pairs []string
	switch {
	case p.Style == "json":
		encoded := encode(value)
		if plain, isText := value.(string); isText {
			encoded = plain
		}
		return []string{name + "=" + url.QueryEscape(encoded)}
	case p.Style == "deepObject" && isObject:
		for _, each := range fields {
			pairs = append(pairs, url.QueryEscape(p.Name+"["+each.name+"]")+"="+url.QueryEscape(text(each.value)))
		}
		return pairs
	case p.Explode && isObject:
		for _, each := range fields {
			pairs = append(pairs, url.QueryEscape(each.name)+"="+url.QueryEscape(text(each.value)))
		}
		return pairs
	case p.Explode && isList:
		for _, each := range list {
			pairs = append(pairs, name+"="+url.QueryEscape(text(each)))
		}
		return pairs
	}
	for _, part := range words(value, "\x00") {
		for _, word := range strings.Split(part, "\x00") {
			pairs = append(pairs, url.QueryEscape(word))
		}
	}
	return []string{name + "=" + strings.Join(pairs, separator)}
}
