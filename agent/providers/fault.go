package providers

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
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
	var outer faultBody
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
	for _, part := range outer.reasons() {
		if f := decodeFault(part); f.Message != "" {
			f.Code = rawText(cmp.Or(f.Code, outer.Code, outer.ErrorCode))
			return f
		}
	}
	return fault{Message: rawText(plainText(text))}
}

// faultBody is the body of an error by the names of known servers.
type faultBody struct {
	Error       json.RawMessage       `json:"error"`
	Message     json.RawMessage       `json:"message"`
	Detail      json.RawMessage       `json:"detail"`
	Msg         json.RawMessage       `json:"msg"`
	ErrorMsg    json.RawMessage       `json:"error_msg"`
	Description json.RawMessage       `json:"error_description"`
	Errors      list[json.RawMessage] `json:"errors"`
	Base        struct {
		Message json.RawMessage `json:"status_msg"`
	} `json:"base_resp"`
	Code      rawText `json:"code"`
	ErrorCode rawText `json:"error_code"`
}

// reasons returns the fields that may say what failed, the error itself aside.
func (b faultBody) reasons() []json.RawMessage {
	parts := []json.RawMessage{b.Message, b.Detail, b.Msg, b.ErrorMsg, b.Description, b.Base.Message}
	return append(parts, b.Errors.values...)
}

// decodeFault reads an error that is an object, a text, or anything else.
func decodeFault(part json.RawMessage) fault {
	// A mere sign that there is an error: other fields say which.
	if !isSet(part) || string(part) == "true" || part[0] == '-' || '0' <= part[0] && part[0] <= '9' {
		return fault{}
	}
	var f fault
	if part[0] == '"' {
		text := string(unquote(part))
		if f = decodeObject(text); f.Message == "" {
			f.Message = rawText(text)
		}
	} else if json.Unmarshal(part, &f) != nil || f.Message == "" {
		f.Message = rawText(part)
	}
	f.Message = rawText(truncate(string(f.Message)))
	return f
}

// decodeObject reads an error that a gateway passed on as text.
func decodeObject(text string) fault {
	if !isObject(text) {
		return fault{}
	}
	return parseFault([]byte(text))
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
	overloadText = regexp.MustCompile(`(?i)overload|temporar(y|ily)|(at|no|insufficient|over) capacity|(server|model|service|engine)s? (is |are )?(currently )?busy|` +
		`(later|moment|please).{0,9}try again|try again (later|in)|(high|heavy) (demand|load|traffic)|(currently|still) loading|` +
		`no (available|healthy) |queue is full|too many concurrent`)
	limitText = regexp.MustCompile(`(?i)rate.?limit|too many requests|requests per (second|minute|hour|day)|throttl`)
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
	case anyOf(limitCodes), codes[0] == "429", limitText.MatchString(e.Message):
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

// streamFault returns the error that a server reports inside a successful response.
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
		faultBody
		Object  rawText               `json:"object"`
		Type    rawText               `json:"type"`
		Choices list[json.RawMessage] `json:"choices"`
	}
	_ = json.Unmarshal(data, &event)
	if isSet(event.Error) || event.Object == "error" || event.Type == "error" {
		return true
	}
	if len(event.Choices.values) > 0 || event.Type != "" {
		return false
	}
	event.Errors.values = append(event.Errors.values, event.Detail)
	return slices.ContainsFunc(event.reasons(), func(part json.RawMessage) bool { return len(part) > 2 && part[0] == '"' }) ||
		slices.ContainsFunc(event.Errors.values, isSet)
}
