package telemetry

import (
	"net/http"
	"strings"
	"testing"
)

func TestTraceparent(t *testing.T) {
	t.Parallel()
	const trace, id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	good := "00-" + trace + "-" + id + "-01"
	for text, want := range map[string]bool{
		good:                                  true,
		"00-" + trace + "-" + id + "-00":      true,
		"cc-" + trace + "-" + id + "-01":      true,
		"cc-" + trace + "-" + id + "-01-more": true,
		"":                                    false,
		good + "-more":                        false,
		"cc-" + trace + "-" + id + "-01more":  false,
		"ff-" + trace + "-" + id + "-01":      false,
		strings.ToUpper(good):                 false,
		" " + good:                            false,
		good + "\n":                           false,
		"00-" + strings.Repeat("0", 32) + "-" + id + "-01":    false,
		"00-" + trace + "-" + strings.Repeat("0", 16) + "-01": false,
		"00-" + trace + "-" + id:                              false,
		"0-" + trace + "-" + id + "-01":                       false,
		"00-" + trace[1:] + "-" + id + "-01":                  false,
	} {
		if got := Traceparent(http.Header{Header: {text}}) != ""; got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if Traceparent(http.Header{Header: {good, good}}) != "" || Traceparent(http.Header{}) != "" {
		t.Error("two headers, or none, are no traceparent")
	}
}

func TestContinue(t *testing.T) {
	t.Parallel()
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"
	e := &Exporter{}
	for flags, want := range map[string]string{"1": "01", "0": "00", "3": "01", "2": "00"} {
		header := http.Header{}
		child := e.Continue("a", Internal, good+flags).Child("b", Client)
		Inject(With(t.Context(), child), header)
		if got := header.Get(Header); got != "00-0af7651916cd43dd8448eb211c80319c-"+child.id+"-"+want {
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
