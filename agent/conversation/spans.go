package conversation

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"

	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/telemetry"
)

// What the spans are called, and what is said of them, comes from OpenTelemetry's
// conventions for generative AI:
// https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-agent-spans/
const (
	operationKey   = "gen_ai.operation.name"
	providerKey    = "gen_ai.provider.name"
	modelKey       = "gen_ai.request.model"
	finishKey      = "gen_ai.response.finish_reasons"
	inputTokensKey = "gen_ai.usage.input_tokens"
	outputTokenKey = "gen_ai.usage.output_tokens"
)

// providerNames are the providers that the conventions call something else.
var providerNames = map[string]string{
	"azure": "azure.ai.openai", "gemini": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai",
}

// startSpan begins the span of the answer to a request, within the trace that it names.
func (a *Agent) startSpan(request []byte) *telemetry.Span {
	if a.spans == nil {
		return nil
	}
	var asked struct {
		Traceparent string `json:"traceparent"`
	}
	// What is no request is refused later.
	_ = json.Unmarshal(request, &asked)
	span := a.spans.Continue("invoke_agent "+a.config.Identity.Name, telemetry.Internal, asked.Traceparent)
	span.Set(operationKey, "invoke_agent")
	span.Set("gen_ai.agent.id", a.config.Identity.Handle)
	span.Set("gen_ai.agent.name", a.config.Identity.Name)
	span.Set("gen_ai.agent.description", a.config.Identity.Description)
	span.Set("gen_ai.agent.version", a.config.Identity.Version)
	setProvider(span, a.config.Provider)
	return span
}

func setProvider(span *telemetry.Span, p config.Provider) {
	name := p.Code
	if conventional, differs := providerNames[name]; differs {
		name = conventional
	}
	span.Set(providerKey, name)
	span.Set(modelKey, p.Model)
}

// setEnd says what an answer used, and how it ended.
func (t *turn) setEnd(ctx context.Context, done doneEvent) {
	span := telemetry.From(ctx)
	span.Set(inputTokensKey, t.usage.Input)
	span.Set(outputTokenKey, t.usage.Output)
	if done.Finish != "" {
		span.Set(finishKey, []string{done.Finish})
	}
}

// observed is a provider whose requests are spans.
type observed struct {
	providers.Provider
	config config.Provider
	// address is where requests go, secret removes the key from what they say.
	address *url.URL
	secret  providers.Secret
}

func observe(p providers.Provider, c config.Provider, settings providers.Settings) providers.Provider {
	address, err := url.Parse(settings.BaseURL)
	if err != nil {
		address = &url.URL{}
	}
	return observed{p, c, address, providers.NewSecret(settings.Key)}
}

func (o observed) Stream(ctx context.Context, request providers.Request, onText func(string) error) (providers.Reply, error) {
	span := telemetry.From(ctx).Child("chat "+o.config.Model, telemetry.Client)
	defer span.End()
	ctx = telemetry.With(ctx, span)
	span.Set(operationKey, "chat")
	setProvider(span, o.config)
	span.Set("server.address", o.address.Hostname())
	if port, err := strconv.Atoi(o.address.Port()); err == nil {
		span.Set("server.port", port)
	}
	span.Set("gen_ai.request.temperature", request.Temperature)
	span.Set("gen_ai.request.max_tokens", request.MaxTokens)
	said := ""
	if span.Content() {
		o.setQuestion(span, request)
		inner := onText
		onText = func(text string) error { said += text; return inner(text) }
	}
	reply, err := o.Provider.Stream(ctx, request, onText)
	span.Set(inputTokensKey, reply.Usage.Input)
	span.Set(outputTokenKey, reply.Usage.Output)
	if err != nil {
		span.Fail(reasonOf(ctx, err))
		return reply, err
	}
	finish := string(reply.Finish)
	if len(reply.Calls) > 0 {
		finish = "tool_calls"
	}
	span.Set(finishKey, []string{finish})
	if span.Content() {
		o.setContent(span, "gen_ai.output.messages", []any{spanMessage{"assistant", partsOf(said, reply.Calls), finish}})
	}
	return reply, nil
}

// reasonOf returns the code of an error's event.
func reasonOf(ctx context.Context, err error) string { return failureOf(ctx, err).Code }

// spanMessage is a message as the conventions write it.
type spanMessage struct {
	Role   string `json:"role"`
	Parts  []any  `json:"parts"`
	Finish string `json:"finish_reason,omitempty"`
}

func (o observed) setQuestion(span *telemetry.Span, request providers.Request) {
	o.setContent(span, "gen_ai.system_instructions", partsOf(request.System, nil))
	messages := make([]any, len(request.Messages))
	for i, m := range request.Messages {
		parts := partsOf(m.Text, m.Calls)
		if m.Role == providers.Tool {
			parts = []any{map[string]string{"type": "tool_call_response", "id": m.CallID, "response": m.Text}}
		}
		for _, image := range m.Images {
			parts = append(parts, map[string]string{"type": "blob", "modality": "image", "mime_type": image.MediaType, "content": ""})
		}
		messages[i] = spanMessage{Role: string(m.Role), Parts: parts}
	}
	o.setContent(span, "gen_ai.input.messages", messages)
}

func (o observed) setContent(span *telemetry.Span, name string, content []any) {
	encoded, err := json.Marshal(content)
	if err == nil {
		span.Set(name, o.secret.Clean(string(encoded)))
	}
}

func partsOf(text string, calls []providers.Call) []any {
	parts := []any{}
	if text != "" {
		parts = append(parts, map[string]string{"type": "text", "content": text})
	}
	for _, call := range calls {
		arguments, _ := jsonObject(call.Arguments)
		parts = append(parts, map[string]any{"type": "tool_call", "id": call.ID, "name": call.Name, "arguments": arguments})
	}
	return parts
}

// observeTool begins the span of a call.
func observeTool(ctx context.Context, p preparedCall) (context.Context, *telemetry.Span) {
	span := telemetry.From(ctx).Child("execute_tool "+p.tool.Name, telemetry.Internal)
	span.Set(operationKey, "execute_tool")
	span.Set("gen_ai.tool.name", p.tool.Name)
	span.Set("gen_ai.tool.type", "function")
	span.Set("gen_ai.tool.description", p.tool.Description)
	span.Set("gen_ai.tool.call.id", p.call.ID)
	if span.Content() {
		span.Set("gen_ai.tool.call.arguments", string(p.arguments))
	}
	return telemetry.With(ctx, span), span
}

// endTool ends the span of a call; a tool that says no is not a fault of the agent, but
// its call has failed.
func endTool(ctx context.Context, span *telemetry.Span, result outcome, failed bool) {
	if span.Content() {
		span.Set("gen_ai.tool.call.result", result.text)
	}
	switch {
	case ctx.Err() != nil:
		span.Fail(reasonOf(ctx, ctx.Err()))
	case failed:
		span.Fail("tool_error")
	}
	span.End()
}

// endSpan ends the span of an answer with what Handle returns.
func endSpan(span *telemetry.Span, err error) {
	var own *Failure
	switch {
	case errors.As(err, &own):
		span.Fail(own.Code)
	case err != nil:
		// Who asked is gone.
		span.Fail(codeCancelled)
	}
	span.End()
}
