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

// The path of Netlify's functions. The function's name follows, then the path of
// the agent's server.
const functionsPath = "/.netlify/functions/"

// event is a request in the format of Netlify and of AWS API Gateway, version 1.
type event struct {
	Path              string              `json:"path"`
	Method            string              `json:"httpMethod"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	RawQuery          string              `json:"rawQuery"`
	Query             map[string]string   `json:"queryStringParameters"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
	// Blobs gives access to the site's Netlify Blobs.
	Blobs string `json:"blobs"`
}

// answer is a response in the same format.
type answer struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// gateway answers events with an HTTP handler. The platform does not stream, so it
// sends each response when it is complete.
type gateway struct {
	handler   http.Handler
	registers registers
}

func (g gateway) answer(ctx context.Context, raw []byte) ([]byte, error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("the event is not the expected JSON: %w", err)
	}
	request, err := e.request(g.registers.with(ctx, e))
	if err != nil {
		return nil, err
	}
	recorded := &recorder{header: http.Header{}}
	g.handler.ServeHTTP(recorded, request)
	return json.Marshal(recorded.answer())
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
	target := url.URL{Path: route(e.Path), RawQuery: e.query()}
	request, err := http.NewRequestWithContext(ctx, e.Method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the event is not a request: %w", err)
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

// header returns the value of a header that the platform sets.
func (e event) header(name string) string {
	for each, value := range e.Headers {
		if strings.EqualFold(each, name) {
			return value
		}
	}
	return ""
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
	if rest, ok := strings.CutPrefix(path, functionsPath); ok {
		_, path, _ = strings.Cut(rest, "/")
	}
	return "/" + strings.TrimLeft(path, "/")
}

// recorder is an http.ResponseWriter that keeps the response.
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

// Flush does nothing. Streams require it.
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
