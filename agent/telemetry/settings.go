package telemetry

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Variables of the OpenTelemetry specification that this package reads, beside
// OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME. Those of OTLP also exist with TRACES in
// their names, which take precedence.
const (
	disabledEnv = "OTEL_SDK_DISABLED"
	exporterEnv = "OTEL_TRACES_EXPORTER"
	contentEnv  = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
	delayEnv    = "OTEL_BSP_SCHEDULE_DELAY"
	otlp        = "OTEL_EXPORTER_OTLP_"
	otlpTraces  = "OTEL_EXPORTER_OTLP_TRACES_"
)

const (
	defaultDelay   = 5 * time.Second
	defaultTimeout = 10 * time.Second
)

// settings are where spans go, and how.
type settings struct {
	endpoint string
	headers  map[string]string
	timeout  time.Duration
	delay    time.Duration
	content  bool
	resource []attribute
}

// errOff reports an environment that wants no spans.
var errOff = errors.New("no collector is named")

// read returns the settings of the environment. An error is errOff, or says what is wrong
// with them, without their values, which may be secret.
func read(getenv func(string) string, service, version string) (settings, error) {
	var none settings
	specific := func(name string) string {
		if value := getenv(otlpTraces + name); value != "" {
			return value
		}
		return getenv(otlp + name)
	}
	endpoint := getenv(otlpTraces + "ENDPOINT")
	if base := getenv(otlp + "ENDPOINT"); endpoint == "" && base != "" {
		endpoint = strings.TrimRight(base, "/") + "/v1/traces"
	}
	if endpoint == "" || getenv(exporterEnv) == "none" || strings.EqualFold(getenv(disabledEnv), "true") {
		return none, errOff
	}
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return none, fmt.Errorf("%sENDPOINT is not an http(s) URL", otlp)
	}
	if protocol := specific("PROTOCOL"); protocol == "grpc" {
		return none, fmt.Errorf("%sPROTOCOL is grpc: this program sends OTLP over HTTP, in JSON", otlp)
	}
	switch getenv(exporterEnv) {
	case "", "otlp":
	default:
		return none, fmt.Errorf("%s names another exporter than otlp", exporterEnv)
	}
	s := settings{
		endpoint: endpoint, headers: pairs(specific("HEADERS")),
		timeout: milliseconds(specific("TIMEOUT"), defaultTimeout), delay: milliseconds(getenv(delayEnv), defaultDelay),
		resource: resource(getenv, service, version),
	}
	switch strings.ToLower(getenv(contentEnv)) {
	case "true", "span_only", "span_and_event":
		s.content = true
	}
	return s, nil
}

// resource says which program sends: service is its name unless a variable has another.
func resource(getenv func(string) string, service, version string) []attribute {
	given := pairs(getenv("OTEL_RESOURCE_ATTRIBUTES"))
	if name := getenv("OTEL_SERVICE_NAME"); name != "" {
		given["service.name"] = name
	}
	own := map[string]string{"service.name": service, "service.version": version, "telemetry.sdk.name": "agentforge", "telemetry.sdk.language": "go"}
	if host, err := os.Hostname(); err == nil {
		own["host.name"] = host
	}
	for name, value := range given {
		own[name] = value
	}
	attributes := make([]attribute, 0, len(own)+1)
	for name, value := range own {
		attributes = append(attributes, attribute{name, valueOf(value)})
	}
	return append(attributes, attribute{"process.pid", valueOf(os.Getpid())})
}

// pairs reads "name=value,…" with percent-encoded values.
func pairs(text string) map[string]string {
	read := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(part, "=")
		if name = strings.TrimSpace(name); !found || name == "" {
			continue
		}
		value = strings.TrimSpace(value)
		if decoded, err := url.PathUnescape(value); err == nil {
			value = decoded
		}
		read[name] = value
	}
	return read
}

func milliseconds(text string, otherwise time.Duration) time.Duration {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return time.Duration(n) * time.Millisecond
	}
	return otherwise
}
