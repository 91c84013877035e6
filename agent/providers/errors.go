package providers

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Kind is the typed outcome of a failed request.
type Kind string

// Refused: asking again changes nothing. Unreachable: no usable answer came.
// RateLimited: the same request may succeed later. NoKey: nothing was sent.
const (
	Refused     Kind = "provider_refused"
	Unreachable Kind = "provider_unreachable"
	RateLimited Kind = "rate_limited"
	NoKey       Kind = "no_key"
)

// Error is a failure that the provider, or the way to it, is the cause of.
// Message holds the provider's own words.
type Error struct {
	Kind    Kind
	Status  int
	Message string

	param string
	again bool
	after time.Duration
}

func (e *Error) Error() string { return e.Message }

// statusError types an answer that is not 200 by its status and code; prose
// drifts and decides nothing.
func statusError(status int, retryAfter string, body []byte) *Error {
	said := parseFault(body)
	e := &Error{Status: status, Kind: Refused, Message: said.Message, param: said.Param}
	switch {
	case status == 429:
		e.Kind = RateLimited
		// An exhausted account answers 429 too, and waiting does not fill it.
		e.again = said.Code != "insufficient_quota"
	case status >= 500:
		e.Kind, e.again = Unreachable, status != 501 && status != 505
	case status == 408, status == 409, status == 425:
		e.Kind, e.again = Unreachable, true
	}
	if e.Message == "" {
		e.Message = "the provider answered " + strconv.Itoa(status) + " without a message"
	}
	if seconds, err := strconv.ParseFloat(retryAfter, 64); err == nil && seconds > 0 && seconds < 1e6 {
		e.after = time.Duration(seconds * float64(time.Second))
	}
	return e
}

// fault is what the error bodies of the known servers boil down to.
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
		if f := faultOf(part); f.Message != "" {
			return f
		}
	}
	return fault{Message: plainText(text)}
}

func faultOf(part json.RawMessage) fault {
	var f struct {
		fault
		Code json.RawMessage `json:"code"`
	}
	if json.Unmarshal(part, &f) == nil {
		f.fault.Code = strings.Trim(string(f.Code), `"`)
		f.Message = shorten(f.Message)
		return f.fault
	}
	var words string
	if json.Unmarshal(part, &words) == nil {
		return fault{Message: shorten(words)}
	}
	if len(part) > 0 && string(part) != "null" {
		return fault{Message: shorten(string(part))}
	}
	return fault{}
}

var (
	hidden = regexp.MustCompile(`(?is)<(script|style|head)\b.*?</(script|style|head)>|<!--.*?-->`)
	tags   = regexp.MustCompile(`(?s)<[^>]*>`)
	title  = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
)

// Package html would add its table of 2,200 names to every agent.
var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#39;", "'", "&nbsp;", " ")

// plainText makes one readable line of a body that is not JSON; gateways in
// front of a provider answer in HTML.
func plainText(text string) string {
	if strings.HasPrefix(text, "<") {
		heading := ""
		if m := title.FindStringSubmatch(text); m != nil {
			heading = m[1] + " "
		}
		text = entities.Replace(heading + tags.ReplaceAllString(hidden.ReplaceAllString(text, " "), " "))
	}
	return shorten(strings.Join(strings.Fields(text), " "))
}

const maxMessage = 1000

func shorten(text string) string {
	text = strings.ToValidUTF8(strings.TrimSpace(text), "\ufffd")
	if runes := []rune(text); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return text
}
