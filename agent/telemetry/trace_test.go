package telemetry

import (
	"net/http"
	"testing"

	"agent.local/a0000000000000000/traceparent"
)

func TestContinue(t *testing.T) {
	t.Parallel()
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"
	e := &Exporter{}
	for flags, want := range map[string]string{"1": "01", "0": "00", "3": "01", "2": "00"} {
		header := http.Header{}
		child := e.Continue("a", Internal, good+flags).Child("b", Client)
		Inject(With(t.Context(), child), header)
		if got := header.Get(traceparent.Header); got != "00-0af7651916cd43dd8448eb211c80319c-"+child.id+"-"+want {
			t.Errorf("%s: %s", flags, got)
		}
	}
	if span := e.Continue("a", Internal, "00-x"); span.parent != "" || len(span.trace) != 32 || span.isUnsampled {
		t.Errorf("a malformed traceparent is continued: %+v", span)
	}
	var off *Exporter
	header := http.Header{}
	Inject(With(t.Context(), off.Continue("a", Internal, good+"1")), header)
	if len(header) != 0 {
		t.Errorf("without a collector, %v is sent", header)
	}
}
