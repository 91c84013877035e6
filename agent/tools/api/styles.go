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

// MarshalJSON keeps the order.
func (o object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, each := range o {
		name, _ := json.Marshal(each.name)
		value, err := json.Marshal(each.value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// decode returns nil, a string, a json.RawMessage with a number or a boolean as it was
// written, a []any or an object. No value and null are nil.
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
	return json.RawMessage(fmt.Sprint(token)), nil
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
	case json.RawMessage:
		return string(value)
	}
	encoded, _ := json.Marshal(value)
	return string(encoded)
}

// words returns the parts of a value, encoded: those of a list, or the names and values
// of an object.
func words(value any, pair string, encode func(string) string) []string {
	var parts []string
	switch value := value.(type) {
	case []any:
		for _, each := range value {
			parts = append(parts, encode(text(each)))
		}
	case object:
		for _, each := range value {
			parts = append(parts, encode(each.name)+pair+encode(text(each.value)))
		}
	default:
		parts = append(parts, encode(text(value)))
	}
	return parts
}

func (p parameter) pair() string {
	if p.Explode {
		return "="
	}
	return ","
}

// header writes a value for a header.
func (p parameter) header(value any) string {
	return strings.Join(words(value, p.pair(), func(word string) string { return word }), ",")
}

// path writes a value for a path, where nothing of it may begin another segment.
func (p parameter) path(value any) string {
	parts := words(value, p.pair(), url.PathEscape)
	if len(parts) == 0 {
		return ""
	}
	prefix, separator := "", ","
	_, isObject := value.(object)
	switch {
	case p.Style == "label":
		prefix = "."
	case p.Style == "matrix" && p.Explode && isObject:
		prefix = ";"
	case p.Style == "matrix":
		prefix = ";" + url.PathEscape(p.Name) + "="
	}
	if p.Explode && prefix != "" {
		separator = prefix
	}
	return prefix + strings.Join(parts, separator)
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
		return []string{name + "=" + url.QueryEscape(text(value))}
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
	return []string{name + "=" + strings.Join(words(value, separator, url.QueryEscape), separator)}
}
