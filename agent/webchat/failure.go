package webchat

import (
	"errors"
	"net/http"

	"agent.local/a0000000000000000/httpapi"
	"agent.local/a0000000000000000/protocol"
)

// sentences are what visitors read instead of the words of a provider or of a program,
// which are for the agent's owner and may name an account.
var sentences = map[string]string{
	"no_key":               "This agent has no key for its model. Only whoever runs this site can change that.",
	"provider_refused":     "The model's provider refused to answer. Ask in another way; if it refuses everything, tell whoever runs this site.",
	"provider_unreachable": "The model could not be reached, or broke off before the answer was complete. Ask again in a moment.",
	"rate_limited":         "The model takes no more questions at the moment. Ask again in a minute.",
	"internal":             "The agent failed unexpectedly. Ask again; if it fails once more, tell whoever runs this site.",
}

// sentence returns what an error event says to a visitor.
func sentence(e protocol.Event) string {
	if text, isKnown := sentences[e.Code]; isKnown {
		return text
	}
	if e.Message == "" {
		return sentences["internal"]
	}
	return httpapi.Sentence(errors.New(e.Message))
}

func writeFailure(w http.ResponseWriter, e protocol.Event) {
	httpapi.WriteError(w, httpStatus(e.Code), e.Code, sentence(e))
}

// httpStatus returns the status of an error event, for a page.
func httpStatus(code string) int {
	switch code {
	case "bad_request":
		return http.StatusBadRequest
	case "time_limit", "cancelled":
		return http.StatusGatewayTimeout
	case "busy", "rate_limited", "token_limit", "cost_limit":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadGateway
}
