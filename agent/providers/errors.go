package providers

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Kind is the kind of a failed request, and the code of its event.
type Kind string

// Refused: repeating the request changes nothing. Unreachable: no usable answer
// arrived. RateLimited: the same request may succeed later. NoKey: nothing was
// sent.
const (
	Refused     Kind = "provider_refused"
	Unreachable Kind = "provider_unreachable"
	RateLimited Kind = "rate_limited"
	NoKey       Kind = "no_key"
)

// Error is a failure of the provider or of the connection to it. Message is the
// provider's own if it sent one.
type Error struct {
	Kind    Kind
	Status  int
	Message string

	param      string
	retryable  bool
	retryAfter time.Duration
}

func (e *Error) Error() string { return e.Message }

// statusError returns the error of a response other than 200. The status and the
// error code decide the kind, since messages change.
func statusError(status int, retryAfter string, body []byte) *Error {
	fault := parseFault(body)
	e := &Error{Status: status, Kind: Refused, Message: fault.Message, param: fault.Param}
	switch {
	case status == 429:
		e.Kind = RateLimited
		// An exhausted account is answered with 429, too.
		e.retryable = fault.Code != "insufficient_quota"
	case status >= 500:
		e.Kind, e.retryable = Unreachable, status != 501 && status != 505
	case status == 408, status == 409, status == 425:
		e.Kind, e.retryable = Unreachable, true
	}
	if e.Message == "" {
		e.Message = "the provider answered " + strconv.Itoa(status) + " without a message"
	}
	if seconds, err := strconv.ParseFloat(retryAfter, 64); err == nil && seconds > 0 && seconds < 1e6 {
		e.retryAfter = time.Duration(seconds * float64(time.Second))
	}
	return e
}

// fault is the common part of the error bodies of known servers.
type fault struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Param   string `json:"param"`
	Code    string `json:"-"`
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
		text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	}
	if json.Unmarshal([]byte(text), &outer) != nil {
		return fault{Message: plainText(text)}
	}
	for _, part := range []json.RawMessage{outer.Error, outer.Message, outer.Detail} {
		if f := decodeFault(part); f.Message != "" {
			return f
		}
	}
	return fault{Message: plainText(text)}
}

func decodeFault(part json.RawMessage) fault {
	var f struct {
		fault
		Code json.RawMessage `json:"code"`
	}
	if json.Unmarshal(part, &f) == nil {
		f.fault.Code = strings.Trim(string(f.Code), `"`)
		f.Message = truncate(f.Message)
		return f.fault
	}
	var text string
	if json.Unmarshal(part, &text) == nil {
		return fault{Message: truncate(text)}
	}
	if len(part) > 0 && string(part) != "null" {
		return fault{Message: truncate(string(part))}
	}
	return fault{}
}

var (
	hidden = regexp.MustCompile(`(?is)<(script|style|head)\b.*?</(script|style|head)>|<!--.*?-->`)
	tags   = regexp.MustCompile(`(?s)<[^>]*>`)
	title  = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
)

// Package html would add its table of 2,200 entities to every agent.
var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#39;", "'", "&nbsp;", " ")

// plainText converts a body that is not JSON to one readable line. Gateways in
// front of a provider answer in HTML.
func plainText(text string) string {
	if strings.HasPrefix(text, "<") {
		heading := ""
		if m := title.FindStringSubmatch(text); m != nil {
			heading = m[1] + " "
		}
		text = entities.Replace(heading + tags.ReplaceAllString(hidden.ReplaceAllString(text, " "), " "))
	}
	return truncate(strings.Join(strings.Fields(text), " "))
}

const maxMessage = 1000

func truncate(text string) string {
	text = strings.ToValidUTF8(strings.TrimSpace(text), "\ufffd")
	if runes := []rune(text); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return text
}
