package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestSettings(t *testing.T) {
	t.Parallel()
	const general, specific = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	for _, test := range []struct {
		env      map[string]string
		endpoint string
		fault    string
	}{
		{nil, "", "no collector is named"},
		{map[string]string{general: "http://c:4318"}, "http://c:4318/v1/traces", ""},
		{map[string]string{general: "https://c/otlp/"}, "https://c/otlp/v1/traces", ""},
		{map[string]string{general: "http://c", specific: "http://d/x"}, "http://d/x", ""},
		{map[string]string{general: "http://c", "OTEL_SDK_DISABLED": "True"}, "", "no collector is named"},
		{map[string]string{general: "http://c", "OTEL_TRACES_EXPORTER": "none"}, "", "no collector is named"},
		{map[string]string{general: "http://c", "OTEL_TRACES_EXPORTER": "zipkin"}, "", "another exporter"},
		{map[string]string{general: "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "", "over HTTP, in JSON"},
		{map[string]string{general: "c:4318"}, "", "not an http(s) URL"},
		{map[string]string{general: "ftp://user:secret@c"}, "", "not an http(s) URL"},
	} {
		s, err := read(environment(test.env), "ada", "1.0.0")
		if fault := ""; err != nil {
			fault = err.Error()
			if test.fault == "" || !strings.Contains(fault, test.fault) || strings.Contains(fault, "secret") {
				t.Errorf("%v: %v", test.env, err)
			}
		} else if s.endpoint != test.endpoint || test.fault != "" {
			t.Errorf("%v: %q", test.env, s.endpoint)
		}
	}
	s, err := read(environment(map[string]string{
		general: "http://c", "OTEL_EXPORTER_OTLP_HEADERS": "a=Basic%20x, b = 2,=,c", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "1500",
		"OTEL_RESOURCE_ATTRIBUTES": "service.name=other,team=ops", "OTEL_SERVICE_NAME": "mine",
	}), "ada", "1.0.0")
	if err != nil || len(s.headers) != 2 || s.headers["a"] != "Basic x" || s.headers["b"] != "2" || s.timeout != 1500*time.Millisecond || s.content {
		t.Errorf("%+v, %v", s, err)
	}
	encoded, _ := json.Marshal(s.resource)
	for _, want := range []string{`{"key":"service.name","value":{"stringValue":"mine"}}`, `{"key":"team","value":{"stringValue":"ops"}}`} {
		if !strings.Contains(string(encoded), want) {
			t.Errorf("%s lacks %s", encoded, want)
		}
	}
}

// A collector that takes nothing costs one line, which names neither it nor its key.
func TestCollectorThatIsAway(t *testing.T) {
	t.Parallel()
	statuses := make(chan int, 3)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(<-statuses)
	}))
	defer server.Close()
	e := New(environment(map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": strings.Replace(server.URL, "http://", "http://user:password@", 1), "OTEL_EXPORTER_OTLP_HEADERS": "key=hidden",
	}), "ada", "1.0.0")
	var log bytes.Buffer
	e.log = &log
	for _, status := range []int{503, 429, 200} {
		statuses <- status
		e.Start("work", Internal).End()
		e.Flush(t.Context())
	}
	if got := log.String(); got != "agent: spans that the collector did not take: 1 (status 503)\n" {
		t.Errorf("logged %q", got)
	}
}

// Whoever ends a span never waits, however slow the collector is.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	taken, goOn := make(chan struct{}, 100), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		taken <- struct{}{}
		<-goOn
	}))
	defer server.Close()
	defer close(goOn)
	e := New(environment(map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL}), "ada", "1.0.0")
	for range maxBatch {
		e.Start("work", Internal).End()
	}
	<-taken
	for range 2 * maxWaiting {
		e.Start("work", Internal).End()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.Flush(ctx)
}

func TestNobodyWantsSpans(t *testing.T) {
	t.Parallel()
	e := New(environment(nil), "ada", "1.0.0")
	span := e.Start("work", Internal)
	child := From(With(t.Context(), span)).Child("more", Client)
	child.Set("a", 1)
	child.Fail("b")
	child.End()
	span.End()
	e.Flush(t.Context())
	if e != nil || span != nil || child != nil || span.Content() {
		t.Error("there are spans")
	}
}
