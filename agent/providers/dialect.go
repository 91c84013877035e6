package providers

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// dialect selects the optional fields to send and their names.
type dialect struct {
	maxCompletionTokens bool
	swapped             bool
	noTemperature       bool
	noUsage             bool
	noSystem            bool
	noReasoning         bool
	noFormat            bool
}

var systemRole = []string{"system role", "role system", "'system'", `"system"`, "system message", "system prompt",
	"system instruction", "developer instruction"}

// adapt returns the dialect without the field that the server refused, or false.
// It changes each field once, so the attempts end.
func (d dialect) adapt(err error) (dialect, bool) {
	switch {
	case !d.swapped && refuses(err, "max_tokens", "max_completion_tokens"):
		d.swapped, d.maxCompletionTokens = true, !d.maxCompletionTokens
	case !d.noUsage && refuses(err, "stream_options"):
		d.noUsage = true
	case !d.noTemperature && refuses(err, "temperature"):
		d.noTemperature = true
	case !d.noReasoning && refuses(err, "reasoning_content", "reasoning_details", "reasoning"):
		d.noReasoning = true
	case !d.noFormat && rejectsFormat(err):
		d.noFormat = true
	case !d.noSystem && refuses(err, systemRole...):
		d.noSystem = true
	default:
		return d, false
	}
	return d, true
}

// rejectsFormat reports whether a server refused the form of the answer: it knows none,
// not beside tools, or not this schema.
func rejectsFormat(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && (failure.Status == 400 || failure.Status == 422 || failure.Status == 500) &&
		failure.names("response_format", "json_schema", "json_object", "grammar", "structured output")
}

// cause returns the error to report: the first one if the server accepts neither
// name of a field.
func (d dialect) cause(first, last error) error {
	var failure *Error
	if first != nil && d.swapped && errors.As(last, &failure) && failure.names("max_tokens", "max_completion_tokens") {
		return first
	}
	return last
}

// The words that tell an unknown field from a value that is too large for one
// request: that one says nothing about the next.
var (
	unknownField = regexp.MustCompile(`(?i)unsupported|not (currently )?support|not a valid|unknown|unrecogni[sz]ed|unexpected|not (permitted|allowed|enabled|accepted)|` +
		`extra (inputs|fields)|deprecated|additional propert|no longer|invalid (parameter|argument|field)|cannot be set|must not be`)
	wrongSize = regexp.MustCompile(`(?i)too (large|long|many|high|big)|exceed|maximum|at most|context (length|window)|less than|greater than|between`)
)

// refuses reports whether the server does not know one of the fields.
func refuses(err error, fields ...string) bool {
	var failure *Error
	if !errors.As(err, &failure) || failure.Status != 400 && failure.Status != 422 && failure.Status != 500 || !failure.names(fields...) {
		return false
	}
	isSize := wrongSize.MatchString(failure.Message)
	if failure.param == fields[0] && !isSize && fields[0] != "max_tokens" {
		return true
	}
	if strings.HasPrefix(failure.code, "unsupported_") || strings.HasPrefix(failure.code, "unknown_") {
		return true
	}
	return unknownField.MatchString(failure.Message) && !isSize
}

func (e *Error) names(fields ...string) bool {
	text := strings.ToLower(e.Message)
	for _, field := range fields {
		if e.param == field || strings.Contains(text, field) {
			return true
		}
	}
	return false
}

// explainTools adds a remedy to the error of a server without support for tools,
// such as many small ones.
func explainTools(request Request, err error) error {
	var failure *Error
	if errors.As(err, &failure) && len(request.Functions) > 0 && failure.Status != 0 &&
		failure.Kind != RateLimited && strings.Contains(strings.ToLower(failure.Message), "tool") {
		failure.Kind, failure.retryable = Refused, false
		failure.Message += " (The request offered tools, which this model or server may not support: " +
			"build the agent without tools, or choose a model that can call them.)"
	}
	return err
}

// explainImages adds a remedy to the refusal of a request with images.
func explainImages(request Request, err error) error {
	var failure *Error
	hasImages := slices.ContainsFunc(request.Messages, func(m Message) bool { return len(m.Images) > 0 })
	if hasImages && errors.As(err, &failure) && failure.Status/100 == 4 && failure.Kind != RateLimited && failure.names("image", "vision", "multimodal", "content") {
		failure.Kind, failure.retryable = Refused, false
		failure.Message += " (The request had images, which this model or server may not take: choose a model that does, or ask without them.)"
	}
	return err
}
