package protocol

import (
	"encoding/json"
	"testing"
)

func TestTraced(t *testing.T) {
	t.Parallel()
	ctx := WithTrace(t.Context(), "00-a-b-01")
	for _, request := range []string{`{}`, ` { } `, `{"messages":[]}`, "\n{\n\"messages\": []}"} {
		var asked struct{ Traceparent string }
		if got := traced(ctx, []byte(request)); json.Unmarshal(got, &asked) != nil || asked.Traceparent != "00-a-b-01" {
			t.Errorf("%q became %q", request, got)
		}
		if got := traced(t.Context(), []byte(request)); string(got) != request {
			t.Errorf("without a trace, %q became %q", request, got)
		}
	}
	for _, request := range []string{"", "[]", "x"} {
		if got := traced(ctx, []byte(request)); string(got) != request {
			t.Errorf("%q became %q", request, got)
		}
	}
}
