package dates

import (
	"fmt"
	"time"
)

// add counts days and longer on the calendar, and hours and minutes as they pass.
func add(from moment, amount int, unit string, zone *time.Location) (string, error) {
	if amount > maxAmount || amount < -maxAmount {
		return "", fmt.Errorf("add at most %d", maxAmount)
	}
	if length, passes := map[string]time.Duration{"minutes": time.Minute, "hours": time.Hour}[unit]; passes {
		result := from.start(zone).Add(time.Duration(amount) * length)
		if err := inRange(result); err != nil {
			return "", err
		}
		return moment{result, true}.format(), nil
	}
	shown := clockOf(from.Time)
	switch unit {
	case "days":
		shown = shown.AddDate(0, 0, amount)
	case "weeks":
		shown = shown.AddDate(0, 0, 7*amount)
	case "working_days":
		shown = addWorking(shown, amount)
	case "months":
		shown = addMonths(shown, amount)
	case "years":
		shown = addMonths(shown, 12*amount)
	default:
		return "", fmt.Errorf("there is no unit %q", unit)
	}
	if err := inRange(shown); err != nil {
		return "", err
	}
	return moment{onClock(shown, from.Location()), from.hasTime}.format(), nil
}

// addMonths stays in the month: January 31 and a month is the last day of February.
func addMonths(from time.Time, months int) time.Time {
	first := from.AddDate(0, 0, 1-from.Day()).AddDate(0, months, 0)
	return first.AddDate(0, 0, min(from.Day(), daysIn(first.Year(), first.Month()))-1)
}

func isWorking(day time.Weekday) bool { return day != time.Saturday && day != time.Sunday }

func addWorking(at time.Time, days int) time.Time {
	step := 1
	if days < 0 {
		step, days = -1, -days
	}
	at = at.AddDate(0, 0, days/5*7*step)
	for left := days % 5; left > 0; {
		if at = at.AddDate(0, 0, step); isWorking(at.Weekday()) {
			left--
		}
	}
	// Whole weeks from a weekend end on one.
	for days > 0 && !isWorking(at.Weekday()) {
		at = at.AddDate(0, 0, -step)
	}
	return at
}

// dayNumber counts days without regard to time zones.
func dayNumber(t time.Time) int {
	return int(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func difference(from, to moment) string {
	sign := ""
	if to.Before(from.Time) {
		from, to, sign = to, from, "minus "
	}
	days := dayNumber(to.Time) - dayNumber(from.Time)
	working := days / 7 * 5
	for i := days / 7 * 7; i < days; i++ {
		if isWorking(time.Weekday((int(from.Weekday()) + i + 1) % 7)) {
			working++
		}
	}
	months := 12*(to.Year()-from.Year()) + int(to.Month()-from.Month())
	if months > 0 && dayNumber(addMonths(clockOf(from.Time), months)) > dayNumber(to.Time) {
		months--
	}
	rest := dayNumber(to.Time) - dayNumber(addMonths(clockOf(from.Time), months))
	text := fmt.Sprintf("%s%d days on the calendar (%d weeks and %d days; %d years, %d months and %d days); %d working days, the first day not counted",
		sign, days, days/7, days%7, months/12, months%12, rest, working)
	if from.hasTime || to.hasTime {
		passed := to.Unix() - from.Unix()
		text += fmt.Sprintf("; %d hours and %d minutes pass", passed/3600, passed%3600/60)
	}
	return text
}
