// Package dates is the tool that reckons with dates: differences, additions, weekdays,
// time zones and working days.
package dates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata"

	"agent.local/a0000000000000000/tools"
)

const maxAmount = 1_000_000

func init() {
	tools.Register(tools.Tool{
		Name: "dates",
		Description: "Reckon with dates: the difference of two, a date plus or minus something, the weekday and week of a date, " +
			"a time in another zone. Working days are Monday to Friday, without holidays.",
		Schema: json.RawMessage(`{"type":"object","properties":{` +
			`"operation":{"type":"string","enum":["difference","add","describe","convert"]},` +
			`"date":{"type":"string","description":"2026-11-29, or with a time: 2026-11-29 14:30."},` +
			`"to":{"type":"string","description":"The second date of a difference."},` +
			`"amount":{"type":"integer","description":"What to add; negative to subtract."},` +
			`"unit":{"type":"string","enum":["minutes","hours","days","working_days","weeks","months","years"]},` +
			`"zone":{"type":"string","description":"The time zone of the dates, such as Europe/Oslo; UTC when left out."},` +
			`"to_zone":{"type":"string","description":"The time zone to convert to."}},` +
			`"required":["operation","date"],"additionalProperties":false}`),
		Run: run,
	})
}

type input struct {
	Operation string `json:"operation"`
	Date      string `json:"date"`
	To        string `json:"to"`
	Amount    int    `json:"amount"`
	Unit      string `json:"unit"`
	Zone      string `json:"zone"`
	ToZone    string `json:"to_zone"`
}

func run(_ context.Context, arguments json.RawMessage) (string, error) {
	var in input
	if err := json.Unmarshal(arguments, &in); err != nil {
		return "", fmt.Errorf("bad arguments: %w", err)
	}
	zone, err := zoneOf(in.Zone)
	if err != nil {
		return "", err
	}
	from, err := parse(in.Date, zone)
	if err != nil {
		return "", err
	}
	switch in.Operation {
	case "describe":
		return describe(from), nil
	case "add":
		return add(from, in.Amount, in.Unit, zone)
	case "convert":
		to, err := zoneOf(in.ToZone)
		if err != nil {
			return "", err
		}
		return from.format() + " is " + moment{from.start(zone).In(to), true}.format(), nil
	case "difference":
		to, err := parse(in.To, zone)
		if err != nil {
			return "", err
		}
		if from.hasTime || to.hasTime {
			from, to = from.start(zone), to.start(zone)
		}
		return difference(from, to), nil
	}
	return "", fmt.Errorf("there is no operation %q", in.Operation)
}

func zoneOf(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(strings.TrimSpace(name))
	if err != nil || zone == time.Local {
		return nil, fmt.Errorf("there is no time zone %q; use a name such as Europe/Oslo or UTC", name)
	}
	return zone, nil
}

// moment is a date, which may have a time of day. Without one it is in UTC: clocks have
// skipped midnights, and whole days.
type moment struct {
	time.Time
	hasTime bool
}

// start returns when a date begins in a zone; a time is what it is.
func (m moment) start(zone *time.Location) moment {
	if m.hasTime {
		return m
	}
	return moment{onClock(m.Time, zone), true}
}

func (m moment) format() string {
	if m.hasTime {
		return m.Format("Monday 2006-01-02 15:04:05 -07:00 (MST)")
	}
	return m.Format("Monday 2006-01-02")
}

var layouts = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"}

// parse reads a date, and refuses a time that the zone's clocks skipped.
func parse(text string, zone *time.Location) (moment, error) {
	text = strings.TrimSpace(text)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return moment{at.In(zone), true}, inRange(at)
	}
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return moment{at, false}, inRange(at)
	}
	for _, layout := range layouts {
		shown, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		at := onClock(shown, zone)
		if at.Format(layout) != shown.Format(layout) {
			return moment{}, fmt.Errorf("%s does not exist in %s: the clocks were put forward", text, zone)
		}
		return moment{at, true}, inRange(at)
	}
	return moment{}, fmt.Errorf("%.40q is no date such as 2026-11-29 or 2026-11-29 14:30", text)
}

// onClock returns the time at which the clocks of a zone show what a time in UTC shows.
// If they skip that, it is as much later as they are put forward.
func onClock(shown time.Time, zone *time.Location) time.Time {
	at := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), shown.Second(), shown.Nanosecond(), zone)
	return at.Add(max(0, shown.Sub(clockOf(at))))
}

// clockOf returns a time in UTC that shows what the clocks of a time's zone show.
func clockOf(at time.Time) time.Time {
	return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
}

func inRange(at time.Time) error {
	if year := at.Year(); year < 1 || year > 9999 {
		return errors.New("years are 1 to 9999")
	}
	return nil
}

func describe(m moment) string {
	year, week := m.ISOWeek()
	return fmt.Sprintf("%s; week %d of %d, day %d of the year, %d days in the month", m.format(), week, year, m.YearDay(), daysIn(m.Year(), m.Month()))
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
