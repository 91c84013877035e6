package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Where Netlify serves functions; what follows the function's name is the path
// that the agent's server knows.
const functions = "/.netlify/functions/"

// event is a request as Netlify and version 1 of AWS' API gateway tell it.
type event struct {
	Path              string              `json:"path"`
	Method            string              `json:"httpMethod"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	RawQuery          string              `json:"rawQuery"`
	Query             map[string]string   `json:"queryStringParameters"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

type answer struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// gateway answers events with an HTTP handler. An answer is complete when it
// leaves: the platform does not stream.
type gateway struct{ handler http.Handler }

func (g gateway) answer(ctx context.Context, raw []byte) ([]byte, error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("the event is not the JSON that is expected: %w", err)
	}
	request, err := e.request(ctx)
	if err != nil {
		return nil, err
	}
	kept := &recorder{header: http.Header{}}
	g.handler.ServeHTTP(kept, request)
	return json.Marshal(kept.answer())
}

func (e event) request(ctx context.Context) (*http.Request, error) {
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(e.Body)
		if err != nil {
			return nil, fmt.Errorf("the event's body is not base64: %w", err)
		}
		body = decoded
	}
	where := url.URL{Path: route(e.Path), RawQuery: e.query()}
	request, err := http.NewRequestWithContext(ctx, e.Method, where.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the event is no request: %w", err)
	}
	for name, value := range e.Headers {
		request.Header.Set(name, value)
	}
	for name, values := range e.MultiValueHeaders {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	request.Host = request.Header.Get("Host")
	return request, nil
}

func (e event) query() string {
	if e.RawQuery != "" {
		return e.RawQuery
	}
	values := url.Values{}
	for name, value := range e.Query {
		values.Set(name, value)
	}
	return values.Encode()
}

// route returns the path below the function's own.
func route(path string) string {
	if rest, ok := strings.CutPrefix(path, functions); ok {
		_, path, _ = strings.Cut(rest, "/")
	}
	return "/" + strings.TrimLeft(path, "/")
}

// recorder keeps an answer until it is complete.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(data []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(data)
}

// Flush does nothing: streams flush every event, and here all of them leave
// together.
func (r *recorder) Flush() {}

func (r *recorder) answer() answer {
	r.WriteHeader(http.StatusOK)
	a := answer{StatusCode: r.status, Headers: map[string]string{}, MultiValueHeaders: r.header, Body: r.body.String()}
	for name, values := range r.header {
		a.Headers[name] = strings.Join(values, ", ")
	}
	if !utf8.Valid(r.body.Bytes()) {
		a.Body, a.IsBase64Encoded = base64.StdEncoding.EncodeToString(r.body.Bytes()), true
	}
	return a
}
