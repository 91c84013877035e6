package providers

import (
	"net/http"
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

	param     string
	code      string
	retryable bool
	// reported is set for an error inside a successful response.
	reported   bool
	retryAfter time.Duration
}

func (e *Error) Error() string { return e.Message }

// statusError returns the error of a response other than 200. The status and the
// error code decide the kind, since messages change.
func statusError(status int, header http.Header, body []byte) *Error {
	f := parseFault(body)
	e := &Error{Status: status, Kind: Refused, Message: string(f.Message), param: string(f.Param), code: string(f.Code)}
	switch {
	case status == 429:
		e.Kind, e.retryable = RateLimited, true
	case status >= 500:
		e.Kind, e.retryable = Unreachable, status != 501 && status != 505
	case status == 408, status == 409, status == 425:
		e.Kind, e.retryable = Unreachable, true
	}
	if e.Message == "" {
		e.Message = "the provider answered " + strconv.Itoa(status) + " without a message"
	}
	switch status {
	case 401, 402, 403, 404:
	case 429:
		// An exhausted account is answered with 429, too.
		e.classify(f)
		e.Kind = RateLimited
	default:
		if status < 500 {
			e.classify(f)
		}
	}
	e.retryAfter = retryAfter(header)
	return e
}

// retryAfter returns the pause that a response asks for, zero if none: seconds or a
// date (RFC 9110, section 10.2.3), or the milliseconds that OpenAI adds.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if ms, err := strconv.ParseFloat(header.Get("Retry-After-Ms"), 64); err == nil && ms > 0 && ms < 1e9 {
		return time.Duration(ms * float64(time.Millisecond))
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 && seconds < 1e6 {
		return time.Duration(seconds * float64(time.Second))
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
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
	text = wholeText(strings.TrimSpace(text))
	if runes := []rune(text); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return text
}
