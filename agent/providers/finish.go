package providers

import (
	"fmt"
	"regexp"
	"strings"
)

// The reasons to stop of known servers, in lower case.
var finishes = map[Finish]string{
	Stop: "stop stopped end_turn stop_sequence end eos eos_token eos_found stop_token complete completed finished " +
		"tool_calls tool_call tool_use function_call",
	Length: "length max_tokens max_token max_output_tokens max_completion_tokens max_new_tokens max_length model_length " +
		"model_context_window_exceeded context_length_exceeded context_window_exceeded context_length token_limit truncated",
	Filtered: "content_filter content_filtered filtered filter sensitive safety recitation blocklist prohibited_content " +
		"spii language refusal refused moderation guardrail guardrail_intervened guardrails content_policy blocked",
	broken: "error failed failure insufficient_system_resource network_error overloaded timeout abort aborted cancel " +
		"cancelled canceled interrupted malformed_function_call unexpected_tool_call server_error internal_error",
}

// broken is an answer that the server gave up; it is reported as an error.
const broken Finish = "broken"

var finishByReason = func() map[string]Finish {
	reasons := map[string]Finish{"": Stop}
	for finish, list := range finishes {
		for reason := range strings.FieldsSeq(list) {
			reasons[reason] = finish
		}
	}
	return reasons
}()

// Parts of reasons that are not listed, in the order in which they count.
var finishParts = []struct {
	finish Finish
	part   *regexp.Regexp
}{
	{Filtered, regexp.MustCompile(`filter|safety|toxic|moderat|sensitive|prohibit|violat|guardrail|blocked`)},
	{broken, regexp.MustCompile(`error|fail|overload|abort|cancel|timeout|timed_out|interrupt|unavailable|malformed`)},
	{Length, regexp.MustCompile(`length|max_.*token|token.*limit|context_window|truncat`)},
}

var camelCase = regexp.MustCompile(`([a-z])([A-Z])`)

// finishOf returns the Finish of a server's reason, which is Other if it is unknown.
func finishOf(reason string) Finish {
	reason = camelCase.ReplaceAllString(strings.TrimSpace(reason), "${1}_$2")
	reason = strings.NewReplacer("-", "_", " ", "_", ".", "_").Replace(strings.ToLower(reason))
	reason = strings.TrimPrefix(reason, "finish_reason_")
	if finish, known := finishByReason[reason]; known {
		return finish
	}
	for _, entry := range finishParts {
		if entry.part.MatchString(reason) {
			return entry.finish
		}
	}
	return Other
}

const maxReason = 60

// end sets the reason to stop. It returns an error if the server gave the answer up.
func (r *Reply) end(reason string) error {
	r.Finish = finishOf(reason)
	reason = wholeText(reason)
	if runes := []rune(reason); len(runes) > maxReason {
		reason = string(runes[:maxReason])
	}
	switch r.Finish {
	case broken:
		return &Error{Kind: Unreachable, retryable: true, Message: fmt.Sprintf("the provider broke off the answer (%s)", reason)}
	case Other:
		r.Reason = reason
	}
	return nil
}
