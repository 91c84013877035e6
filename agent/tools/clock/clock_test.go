package clock

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC)
	tests := []struct {
		arguments, want string
	}{
		{`{}`, "Wednesday, 2026-07-01 22:30:00 UTC (+00:00), UTC"},
		{`{"time_zone":"UTC"}`, "Wednesday, 2026-07-01 22:30:00 UTC (+00:00), UTC"},
		{`{"time_zone":"Europe/Berlin"}`, "Thursday, 2026-07-02 00:30:00 CEST (+02:00), Europe/Berlin"},
		{`{"time_zone":"Asia/Kathmandu"}`, "Thursday, 2026-07-02 04:15:00 +0545 (+05:45), Asia/Kathmandu"},
		{`{"time_zone":"Local"}`, "error: use an IANA name"},
		{`{"time_zone":"Mars/Olympus"}`, `error: there is no time zone "Mars/Olympus"`},
		{`{"time_zone":"../../etc/passwd"}`, "error: there is no time zone"},
		{`{"zone":"UTC"}`, "error: bad arguments"},
		{`{"time_zone":1}`, "error: bad arguments"},
	}
	for _, test := range tests {
		got, err := describe(now, json.RawMessage(test.arguments))
		if err != nil {
			got = "error: " + err.Error()
		}
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.arguments, got, test.want)
		}
	}
}
