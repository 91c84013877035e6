package traceparent

import (
	"net/http"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
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
		if got := Of(http.Header{Header: {text}}) != ""; got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if Of(http.Header{Header: {good, good}}) != "" || Of(http.Header{}) != "" {
		t.Error("two headers, or none, are no traceparent")
	}
}
