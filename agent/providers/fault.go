package providers

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// fault is the common part of the error bodies of known servers.
type fault struct {
	Message rawText `json:"message"`
	Type    rawText `json:"type"`
	Param   rawText `json:"param"`
	Code    rawText `json:"code"`
	// Status is Google's name of the error.
	Status rawText `json:"status"`
}

func parseFault(body []byte) fault {
	var outer struct {
		Error   json.RawMessage `json:"error"`
		Message json.RawMessage `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	// Google's compatible endpoint wraps the object in a list.
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "[") {
		text = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	}
	if json.Unmarshal([]byte(text), &outer) != nil {
		return fault{Message: rawText(plainText(text))}
	}
	if f := decodeFault(outer.Error); f.Message != "" {
		return f
	}
	if f := decodeFault(json.RawMessage(text)); f.Message != "" && len(outer.Message) > 0 && outer.Message[0] == '"' {
		return f
	}
	for _, part := range []json.RawMessage{outer.Message, outer.Detail} {
		if f := decodeFault(part); f.Message != "" {
			return f
		}
	}
	return fault{Message: rawText(plainText(text))}
}

// decodeFault reads an error that is an object, a text, or anything else.
func decodeFault(part json.RawMessage) fault {
	if !isSet(part) {
		return fault{}
	}
	var f fault
	if part[0] == '"' {
		f.Message = rawText(unquote(part))
	} else if json.Unmarshal(part, &f) != nil || f.Message == "" {
		f.Message = rawText(part)
	}
	f.Message = rawText(truncate(string(f.Message)))
	return f
}

// isSet reports whether a field is more than a placeholder.
func isSet(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", "false", `""`, "{}", "[]", "0":
		return false
	}
	return true
}

// Parts of error codes, without anything but letters and digits.
var (
	exhaustedCodes = []string{"insufficientquota", "currentquota", "billing", "insufficientbalance", "credit"}
	limitCodes     = []string{"ratelimit", "toomany", "throttl", "slowdown", "resourceexhausted"}
	overloadCodes  = []string{"overload", "unavailable", "capacity", "servererror", "apierror", "internal", "timeout", "timedout",
		"badgateway", "upstream", "serverbusy", "tryagain", "loading"}
	overloadText = regexp.MustCompile(`(?i)overload|temporarily|at capacity|server (is )?busy|(later|moment|please).{0,9}try again|try again (later|in)`)
)

// classify sets the kind of an error whose status does not decide it. Codes go
// before the message, whose words change.
func (e *Error) classify(f fault) {
	codes := []string{letters(string(f.Code)), letters(string(f.Type)), letters(string(f.Status))}
	anyOf := func(parts []string) bool {
		for _, code := range codes {
			for _, part := range parts {
				if strings.Contains(code, part) {
					return true
				}
			}
		}
		return false
	}
	serverError := len(codes[0]) == 3 && codes[0][0] == '5' || codes[0] == "408"
	switch {
	case anyOf(exhaustedCodes):
		e.retryable = false
	case anyOf(limitCodes), codes[0] == "429":
		e.Kind, e.retryable = RateLimited, true
	case anyOf(overloadCodes), serverError, overloadText.MatchString(e.Message):
		e.Kind, e.retryable = Unreachable, true
	}
}

func letters(code string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, code)
}

// streamFault returns the error that a server reports inside a 200 response.
func streamFault(data []byte) error {
	f := parseFault(data)
	failure := &Error{Kind: Refused, Message: string(f.Message), reported: true}
	if failure.Message == "" {
		failure.Message = "the provider reported an error without a message"
	}
	failure.classify(f)
	return failure
}

// isFault reports whether an event without the fields of an answer is an error.
func isFault(data []byte) bool {
	var event struct {
		Error   json.RawMessage   `json:"error"`
		Object  rawText           `json:"object"`
		Type    rawText           `json:"type"`
		Message json.RawMessage   `json:"message"`
		Detail  json.RawMessage   `json:"detail"`
		Choices []json.RawMessage `json:"choices"`
	}
	_ = json.Unmarshal(data, &event)
	if isSet(event.Error) || event.Object == "error" || event.Type == "error" {
		return true
	}
	hasText := len(event.Message) > 2 && event.Message[0] == '"' || isSet(event.Detail)
	return hasText && len(event.Choices) == 0 && event.Type == ""
}
