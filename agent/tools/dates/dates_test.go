package dates

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDates(t *testing.T) {
	t.Parallel()
	for arguments, want := range map[string]string{
		`{"operation":"add","date":"2011-12-28","amount":3,"unit":"working_days","zone":"Pacific/Apia"}`: "Monday 2012-01-02",
		`{"operation":"describe","date":"2026-11-29"}`:                                                   "Sunday 2026-11-29; week 48 of 2026, day 333 of the year, 30 days in the month",
		`{"operation":"add","date":"2026-01-31","amount":1,"unit":"months"}`:                             "Saturday 2026-02-28",
		`{"operation":"add","date":"2024-02-29","amount":-1,"unit":"years"}`:                             "Tuesday 2023-02-28",
		`{"operation":"add","date":"2026-11-27","amount":1,"unit":"working_days"}`:                       "Monday 2026-11-30",
		`{"operation":"add","date":"2026-11-28","amount":5,"unit":"working_days"}`:                       "Friday 2026-12-04",
		`{"operation":"add","date":"2026-11-29","amount":-5,"unit":"working_days"}`:                      "Monday 2026-11-23",
		`{"operation":"add","date":"2026-03-28 12:00","amount":1,"unit":"days","zone":"Europe/Oslo"}`:    "Sunday 2026-03-29 12:00:00 +02:00 (CEST)",
		`{"operation":"add","date":"2026-03-28 12:00","amount":24,"unit":"hours","zone":"Europe/Oslo"}`:  "Sunday 2026-03-29 13:00:00 +02:00 (CEST)",
		`{"operation":"convert","date":"2026-11-29 14:30","zone":"Europe/Oslo","to_zone":"Asia/Tokyo"}`:  "Sunday 2026-11-29 14:30:00 +01:00 (CET) is Sunday 2026-11-29 22:30:00 +09:00 (JST)",
		`{"operation":"difference","date":"2026-01-31","to":"2026-03-01"}`:                               "29 days on the calendar (4 weeks and 1 days; 0 years, 1 months and 1 days); 20 working days, the first day not counted",
		`{"operation":"difference","date":"2026-11-30","to":"2026-11-27"}`:                               "minus 3 days on the calendar (0 weeks and 3 days; 0 years, 0 months and 3 days); 1 working days, the first day not counted",
		`{"operation":"difference","date":"2026-03-28T12:00:00Z","to":"2026-03-29 13:30"}`:               "1 days on the calendar (0 weeks and 1 days; 0 years, 0 months and 1 days); 0 working days, the first day not counted; 25 hours and 30 minutes pass",
		`{"operation":"convert","date":"2026-03-29 02:30","zone":"Europe/Oslo","to_zone":"UTC"}`:         "error: 2026-03-29 02:30 does not exist in Europe/Oslo: the clocks were put forward",
		// Clocks have skipped midnights, and a whole day.
		`{"operation":"describe","date":"2018-11-04","zone":"America/Sao_Paulo"}`:                           "Sunday 2018-11-04; week 44 of 2018, day 308 of the year, 30 days in the month",
		`{"operation":"add","date":"2018-10-04","amount":1,"unit":"months","zone":"America/Sao_Paulo"}`:     "Sunday 2018-11-04",
		`{"operation":"add","date":"2018-11-03 00:30","amount":1,"unit":"days","zone":"America/Sao_Paulo"}`: "Sunday 2018-11-04 01:30:00 -02:00 (-02)",
		`{"operation":"add","date":"2018-11-04","amount":2,"unit":"hours","zone":"America/Sao_Paulo"}`:      "Sunday 2018-11-04 03:00:00 -02:00 (-02)",
		`{"operation":"convert","date":"2018-11-04","zone":"America/Sao_Paulo","to_zone":"UTC"}`:            "Sunday 2018-11-04 is Sunday 2018-11-04 03:00:00 +00:00 (UTC)",
		`{"operation":"difference","date":"2018-11-03","to":"2018-11-04","zone":"America/Sao_Paulo"}`:       "1 days on the calendar (0 weeks and 1 days; 0 years, 0 months and 1 days); 0 working days, the first day not counted",
		`{"operation":"difference","date":"2018-11-03","to":"2018-11-04 02:00","zone":"America/Sao_Paulo"}`: "1 days on the calendar (0 weeks and 1 days; 0 years, 0 months and 1 days); 0 working days, the first day not counted; 25 hours and 0 minutes pass",
		`{"operation":"describe","date":"2011-12-30","zone":"Pacific/Apia"}`:                                "Friday 2011-12-30; week 52 of 2011, day 364 of the year, 31 days in the month",
		`{"operation":"describe","date":"2026-11-29 9:30"}`:                                                 "Sunday 2026-11-29 09:30:00 +00:00 (UTC); week 48 of 2026, day 333 of the year, 30 days in the month",
		`{"operation":"describe","date":"2026-11-29 09:30:00.5"}`:                                           "Sunday 2026-11-29 09:30:00 +00:00 (UTC); week 48 of 2026, day 333 of the year, 30 days in the month",
		`{"operation":"describe","date":"2026-02-29"}`:                                                      `error: "2026-02-29" is no date such as 2026-11-29 or 2026-11-29 14:30`,
		`{"operation":"describe","date":"29.11.2026"}`:                                                      `error: "29.11.2026" is no date such as 2026-11-29 or 2026-11-29 14:30`,
		`{"operation":"describe","date":"2026-11-29","zone":"Middle/Earth"}`:                                `error: there is no time zone "Middle/Earth"; use a name such as Europe/Oslo or UTC`,
		`{"operation":"describe","date":"2026-11-29","zone":"Local"}`:                                       `error: there is no time zone "Local"; use a name such as Europe/Oslo or UTC`,
		`{"operation":"add","date":"9999-12-31","amount":1,"unit":"days"}`:                                  "error: years are 1 to 9999",
		`{"operation":"add","date":"2026-01-01","amount":2000000,"unit":"days"}`:                            "error: add at most 1000000",
		`{"operation":"add","date":"2026-01-01","amount":1,"unit":"moons"}`:                                 `error: there is no unit "moons"`,
		`{"operation":"guess","date":"2026-01-01"}`:                                                         `error: there is no operation "guess"`,
	} {
		got, err := run(t.Context(), json.RawMessage(arguments))
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s\n%s\nnot\n%s", arguments, got, want)
		}
	}
}

func FuzzDates(f *testing.F) {
	for _, seed := range []string{"2026-11-29", "2026-11-29 14:30", "2026-11-29T14:30:00+01:00", "0001-01-01", "9999-12-31"} {
		f.Add(seed, "Europe/Oslo", 31, "working_days")
	}
	f.Fuzz(func(t *testing.T, date, zone string, amount int, unit string) {
		for _, operation := range []string{"add", "difference", "describe", "convert"} {
			encoded, _ := json.Marshal(input{operation, date, date, amount, unit, zone, zone})
			if got, err := run(t.Context(), encoded); (got == "") != (err != nil) || strings.Contains(got, "%!") {
				t.Errorf("%s: %q, %v", encoded, got, err)
			}
		}
	})
}
