package dates

import (
	"fmt"
	"time"
)

// add counts days and longer on the calendar, and hours and minutes as they pass.
func add(from moment, amount int, unit string) (string, error) {
	if amount > maxAmount || amount < -maxAmount {
		return "", fmt.Errorf("add at most %d", maxAmount)
	}
	result := from
	switch unit {
	case "minutes", "hours":
		length := map[string]time.Duration{"minutes": time.Minute, "hours": time.Hour}[unit]
		result = moment{from.Add(time.Duration(amount) * length), true}
	case "days":
		result.Time = from.AddDate(0, 0, amount)
	case "weeks":
		result.Time = from.AddDate(0, 0, 7*amount)
	case "working_days":
		result.Time = addWorking(from.Time, amount)
	case "months":
		result.Time = addMonths(from.Time, amount)
	case "years":
		result.Time = addMonths(from.Time, 12*amount)
	default:
		return "", fmt.Errorf("there is no unit %q", unit)
	}
	if err := inRange(result.Time); err != nil {
		return "", err
	}
	return result.format(), nil
}

// addMonths stays in the month: January 31 and a month is the last day of February.
func addMonths(from time.Time, months int) time.Time {
	first := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, months, 0)
	day := min(from.Day(), daysIn(first.Year(), first.Month()))
	return time.Date(first.Year(), first.Month(), day, from.Hour(), from.Minute(), from.Second(), from.Nanosecond(), from.Location())
}

func isWorking(day time.Weekday) bool { return day != time.Saturday && day != time.Sunday }

// addWorking counts in UTC: some zones have skipped whole days.
func addWorking(at time.Time, days int) time.Time {
	from := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	step := 1
	if days < 0 {
		step, days = -1, -days
	}
	from = from.AddDate(0, 0, days/5*7*step)
	for left := days % 5; left > 0; {
		if from = from.AddDate(0, 0, step); isWorking(from.Weekday()) {
			left--
		}
	}
	// Whole weeks from a weekend end on one.
	for days > 0 && !isWorking(from.Weekday()) {
		from = from.AddDate(0, 0, -step)
	}
	return time.Date(from.Year(), from.Month(), from.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), at.Location())
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
	if months > 0 && dayNumber(addMonths(from.Time, months)) > dayNumber(to.Time) {
		months--
	}
	rest := dayNumber(to.Time) - dayNumber(addMonths(from.Time, months))
	text := fmt.Sprintf("%s%d days on the calendar (%d weeks and %d days; %d years, %d months and %d days); %d working days, the first day not counted",
		sign, days, days/7, days%7, months/12, months%12, rest, working)
	if from.hasTime || to.hasTime {
		passed := to.Unix() - from.Unix()
		text += fmt.Sprintf("; %d hours and %d minutes pass", passed/3600, passed%3600/60)
	}
	return text
}
