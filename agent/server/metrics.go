package server

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"agent.local/a0000000000000000/protocol"
)

// The upper bounds of the histogram, in seconds: from an instant tool-free answer to
// the longest limit in common use.
var buckets = []float64{0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300}

// metrics counts answers, in the text format of Prometheus. It knows no content and
// no caller.
type metrics struct {
	started time.Time

	mu         sync.Mutex
	inProgress int
	counters   map[string]float64
	seconds    []uint64
	sum        float64
	count      uint64
	first      float64
	firsts     uint64
}

func newMetrics() *metrics {
	return &metrics{started: time.Now(), counters: map[string]float64{}, seconds: make([]uint64, len(buckets))}
}

// observe returns the agent with its answers counted.
func (m *metrics) observe(agent protocol.Agent) protocol.Agent { return observed{agent, m} }

type observed struct {
	protocol.Agent
	metrics *metrics
}

func (o observed) Handle(ctx context.Context, request []byte, emit func([]byte) error) error {
	finish := o.metrics.begin()
	outcome, started, spoke := "internal", time.Now(), false
	defer func() { finish(outcome) }()
	return o.Agent.Handle(ctx, request, func(raw []byte) error {
		if e, err := protocol.Decode(raw); err == nil {
			switch e.Type {
			case "token":
				if !spoke {
					spoke = true
					o.metrics.spoke(time.Since(started))
				}
			case "done":
				outcome = "done"
			case "error":
				outcome = e.Code
			default:
				o.metrics.step(e)
			}
		}
		return emit(raw)
	})
}

// begin counts an answer in progress; the function that it returns, its end.
func (m *metrics) begin() func(outcome string) {
	started := time.Now()
	m.mu.Lock()
	m.inProgress++
	m.mu.Unlock()
	return func(outcome string) {
		seconds := time.Since(started).Seconds()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.inProgress--
		m.counters[`agent_answers_total{outcome="`+label(outcome)+`"}`]++
		m.sum += seconds
		m.count++
		for i, bound := range buckets {
			if seconds <= bound {
				m.seconds[i]++
			}
		}
	}
}

func (m *metrics) spoke(after time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.first += after.Seconds()
	m.firsts++
}

// step counts a call of a tool, or tokens.
func (m *metrics) step(e protocol.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch e.Type {
	case "tool_result":
		outcome := "ok"
		if e.Error {
			outcome = "error"
		}
		// A model may invent names; the agent has few tools.
		if name := `agent_tool_calls_total{tool="` + label(e.Name) + `",outcome="` + outcome + `"}`; len(m.counters) < 500 || m.counters[name] > 0 {
			m.counters[name]++
		}
	case "usage":
		m.counters[`agent_tokens_total{direction="input"}`] += float64(e.Input)
		m.counters[`agent_tokens_total{direction="output"}`] += float64(e.Output)
	}
}

// label escapes a value of a label.
func label(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text)
}

// of returns the handler that shows the counters beside an agent's name.
func (m *metrics) of(manifest protocol.Manifest) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		var out bytes.Buffer
		m.mu.Lock()
		m.write(&out, manifest)
		m.mu.Unlock()
		_, _ = w.Write(out.Bytes())
	})
}

// write writes the text format of Prometheus, version 0.0.4.
func (m *metrics) write(out *bytes.Buffer, manifest protocol.Manifest) {
	family := func(name, kind, help string) {
		fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	family("agent_info", "gauge", "The agent that this server has.")
	fmt.Fprintf(out, "agent_info{handle=\"%s\",version=\"%s\",config_sha256=\"%s\"} 1\n",
		label(manifest.Handle), label(manifest.Version), label(manifest.ConfigSHA256))
	family("agent_start_time_seconds", "gauge", "When this server began, in seconds since 1970.")
	fmt.Fprintf(out, "agent_start_time_seconds %d\n", m.started.Unix())
	family("agent_answers_in_progress", "gauge", "Answers that have begun and not ended.")
	fmt.Fprintf(out, "agent_answers_in_progress %d\n", m.inProgress)
	for _, counter := range []struct{ name, help string }{
		{"agent_answers_total", "Answers by outcome: done, or the code of the error."},
		{"agent_tokens_total", "Tokens as the provider counts them."},
		{"agent_tool_calls_total", "Calls of the agent's tools."},
	} {
		family(counter.name, "counter", counter.help)
		m.writeSeries(out, counter.name+"{")
	}
	family("agent_answer_seconds", "histogram", "The time from a question to the end of its answer.")
	for i, bound := range buckets {
		fmt.Fprintf(out, "agent_answer_seconds_bucket{le=\"%g\"} %d\n", bound, m.seconds[i])
	}
	fmt.Fprintf(out, "agent_answer_seconds_bucket{le=\"+Inf\"} %d\nagent_answer_seconds_sum %g\nagent_answer_seconds_count %d\n", m.count, m.sum, m.count)
	family("agent_first_token_seconds", "summary", "The time from a question to the first text of its answer.")
	fmt.Fprintf(out, "agent_first_token_seconds_sum %g\nagent_first_token_seconds_count %d\n", m.first, m.firsts)
}

func (m *metrics) writeSeries(out *bytes.Buffer, prefix string) {
	var names []string
	for name := range m.counters {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(out, "%s %g\n", name, m.counters[name])
	}
}
