package units

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestConversions(t *testing.T) {
	t.Parallel()
	for arguments, want := range map[string]string{
		`{"value":1,"from":"mi","to":"km"}`:               "1 mi = 1.609344 km",
		`{"value":26.2,"from":"Miles","to":"kilometers"}`: "26.2 Miles = 42.1648128 kilometers",
		`{"value":-40,"from":"°C","to":"°F"}`:             "-40 °C = -40 °F",
		`{"value":98.6,"from":"F","to":"C"}`:              "98.6 F = 37 C",
		`{"value":0,"from":"K","to":"°F"}`:                "0 K = -459.67 °F",
		`{"value":1,"from":"US gal","to":"L"}`:            "1 US gal = 3.785411784 L",
		`{"value":100,"from":"km/h","to":"m/s"}`:          "100 km/h = 27.7777777778 (rounded) m/s",
		`{"value":1,"from":"GiB","to":"MB"}`:              "1 GiB = 1073.741824 MB",
		`{"value":"1e3","from":"ft^2","to":"m2"}`:         "1e3 ft^2 = 92.90304 m2",
		`{"value":90,"from":"min","to":"h"}`:              "90 min = 1.5 h",
		`{"value":1,"from":"psi","to":"Pa"}`:              "1 psi = 6894.75729317 (rounded) Pa",
		`{"value":1,"from":"kg","to":"m"}`:                "error: kg is a mass and m a length: they can't be converted",
		`{"value":-1,"from":"K","to":"°C"}`:               "error: nothing is colder than 0 K, -273.15 °C",
		`{"value":1,"from":"gallons","to":"L"}`:           `error: "gallons" is ambiguous: write US gallons or UK gal, UK pint`,
		`{"value":1,"from":"Mb","to":"MB"}`:               `error: there is no unit "Mb" here`,
		`{"value":1,"from":"Mbar","to":"Pa"}`:             `error: there is no unit "Mbar" here`,
		`{"value":1,"from":"mbit","to":"bit"}`:            `error: there is no unit "mbit" here`,
		`{"value":1,"from":"MBit","to":"bit"}`:            "1 MBit = 1000000 bit",
		`{"value":1,"from":"Kcal","to":"kJ"}`:             "1 Kcal = 4.184 kJ",
		`{"value":1,"from":"Millibars","to":"Pa"}`:        `error: there is no unit "Millibars" here`,
		`{"value":1,"from":"Millibar","to":"Pa"}`:         "1 Millibar = 100 Pa",
		`{"value":1,"from":"parsec","to":"m"}`:            `error: there is no unit "parsec" here`,
		`{"value":1e999,"from":"m","to":"km"}`:            "error: the value must be a number such as 12.5, of at most 40 digits",
		`{"value":"many","from":"m","to":"km"}`:           "error: the value must be a number such as 12.5, of at most 40 digits",
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

// Each unit has one meaning, and a factor that there and back gives what it was.
func TestTable(t *testing.T) {
	t.Parallel()
	names := 0
	for line := range strings.Lines(strings.TrimSpace(table)) {
		fields := strings.Split(strings.TrimSpace(line), "|")
		names += len(strings.Fields(fields[3]))
	}
	if names != len(byName()) {
		t.Errorf("%d names, %d of them distinct", names, len(byName()))
	}
	for name, u := range byName() {
		if u.factor == nil || u.offset == nil || u.factor.Sign() <= 0 {
			t.Errorf("%s has no factor", name)
		}
	}
}

func FuzzUnits(f *testing.F) {
	f.Add("12.5", "km", "mi")
	f.Add("1e99", "°F", "K")
	f.Fuzz(func(t *testing.T, value, from, to string) {
		encoded, _ := json.Marshal(map[string]any{"value": value, "from": from, "to": to})
		if got, err := run(t.Context(), encoded); (got == "") != (err != nil) {
			t.Errorf("%s: %q, %v", encoded, got, err)
		}
	})
}
