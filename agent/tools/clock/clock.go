// Package clock is the tool for the date and time in any IANA time zone.
package clock

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"
	_ "time/tzdata" // Containers and functions often have no zoneinfo.

	"agent.local/a0000000000000000/tools"
)

func init() {
	tools.Register(tools.Tool{
		Name:        "clock",
		Description: "Tell the current date, weekday and time in a time zone.",
		Schema: json.RawMessage(`{"type":"object","properties":{"time_zone":{"type":"string",` +
			`"description":"IANA name such as Europe/Berlin or America/New_York. UTC when left out."}},` +
			`"additionalProperties":false}`),
		Run: func(_ context.Context, arguments json.RawMessage) (string, error) {
			return describe(time.Now(), arguments)
		},
	})
}

func describe(now time.Time, arguments json.RawMessage) (string, error) {
	var input struct {
		TimeZone string `json:"time_zone"`
	}
	decoder := json.NewDecoder(bytes.NewReader(arguments))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&input); err != nil {
		return "", fmt.Errorf("bad arguments: %w", err)
	}
	// "Local" is where the agent runs, which says nothing about the user.
	if input.TimeZone == "Local" {
		return "", fmt.Errorf("use an IANA name such as Europe/Berlin")
	}
	zone, err := time.LoadLocation(input.TimeZone)
	if err != nil {
		return "", fmt.Errorf("there is no time zone %q; use an IANA name such as Europe/Berlin", input.TimeZone)
	}
	return now.In(zone).Format("Monday, 2006-01-02 15:04:05 MST (-07:00)") + ", " + zone.String(), nil
}
