package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// parameter says where an argument goes, in the terms of OpenAPI.
type parameter struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	Argument string `json:"argument"`
	Style    string `json:"style"`
	Explode  bool   `json:"explode"`
}

// request builds the request of a call; an error is in words for the model.
func (o operation) request(ctx context.Context, base *url.URL, arguments json.RawMessage) (*http.Request, error) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(arguments, &given); err != nil {
		return nil, errors.New("the arguments were not a JSON object")
	}
	path, headers := o.Path, http.Header{}
	var pairs []string
	for _, p := range o.Parameters {
		value, err := decode(given[p.Argument])
		if err != nil {
			return nil, fmt.Errorf("%s is not readable", p.Argument)
		}
		switch {
		case value == nil && p.In != "path":
		case p.In == "query":
			pairs = append(pairs, p.query(value)...)
		case p.In == "header":
			headers.Set(p.Name, p.header(value))
		default:
			text := p.path(value)
			if value == nil || text == "" || text == "." || text == ".." {
				return nil, fmt.Errorf("%s is needed, and can't be empty or dots", p.Argument)
			}
			path = strings.ReplaceAll(path, "{"+p.Name+"}", text)
		}
	}
	body, mediaType, err := o.body(given["body"])
	if err != nil {
		return nil, err
	}
	if len(base.Query()) > 0 {
		pairs = append([]string{base.RawQuery}, pairs...)
	}
	address := base.Scheme + "://" + base.Host + strings.TrimSuffix(base.EscapedPath(), "/") + path
	if len(pairs) > 0 {
		address += "?" + strings.Join(pairs, "&")
	}
	request, err := http.NewRequestWithContext(ctx, o.Method, address, body)
	if err != nil {
		return nil, errors.New("the arguments make no address")
	}
	if request.URL.Host != base.Host {
		return nil, errors.New("the arguments lead to another host")
	}
	request.Header = headers
	request.Header.Set("Accept", "application/json, text/*;q=0.9, */*;q=0.1")
	if mediaType != "" {
		request.Header.Set("Content-Type", mediaType)
	}
	return request, nil
}

func (o operation) body(raw json.RawMessage) (io.Reader, string, error) {
	switch {
	case len(raw) == 0 || o.Body == "":
		return nil, "", nil
	case o.Body == "json":
		return bytes.NewReader(raw), "application/json", nil
	}
	value, err := decode(raw)
	fields, isObject := value.(object)
	if err != nil || !isObject {
		return nil, "", errors.New("body is not an object")
	}
	var pairs []string
	for _, f := range fields {
		p := parameter{Name: f.name, Style: "form", Explode: true}
		if _, isNested := f.value.(object); isNested {
			p.Style = "json"
		}
		pairs = append(pairs, p.query(f.value)...)
	}
	return strings.NewReader(strings.Join(pairs, "&")), "application/x-www-form-urlencoded", nil
}
