package units

import (
	"fmt"
	"math/big"
	"strings"
	"sync"
)

const temperature = "temperature"

// table has a line for each unit: its factor to the first unit of its dimension, for
// temperatures what is added then, and its names. Factors are exact by definition:
// international yard and pound of 1959, SI brochure, US gallon of 231 cubic inches.
const table = `
length|1|0|m metre metres meter meters
length|1000|0|km kilometre kilometres kilometer kilometers
length|1/100|0|cm centimetre centimetres centimeter centimeters
length|1/1000|0|mm millimetre millimetres millimeter millimeters
length|1/1000000|0|µm um micrometre micrometres micrometer micrometers
length|1/1000000000|0|nm nanometre nanometres nanometer nanometers
length|0.0254|0|in inch inches
length|0.3048|0|ft foot feet
length|0.9144|0|yd yard yards
length|1609.344|0|mi mile miles
length|1852|0|nmi nautical_mile nautical_miles
area|1|0|m2 m² square_metre square_metres square_meter square_meters
area|1/10000|0|cm2 cm²
area|1000000|0|km2 km² square_kilometre square_kilometres square_kilometer square_kilometers
area|10000|0|ha hectare hectares
area|0.00064516|0|in2 in² square_inch square_inches
area|0.09290304|0|ft2 ft² square_foot square_feet
area|2589988.110336|0|mi2 mi² square_mile square_miles
area|4046.8564224|0|acre acres
volume|1|0|m3 m³ cubic_metre cubic_metres cubic_meter cubic_meters
volume|1/1000|0|L l litre litres liter liters
volume|1/100000|0|cl cL centilitre centilitres
volume|1/1000000|0|ml mL cm3 cm³ millilitre millilitres milliliter milliliters
volume|0.000016387064|0|in3 in³ cubic_inch cubic_inches
volume|0.028316846592|0|ft3 ft³ cubic_foot cubic_feet
volume|0.003785411784|0|US_gal US_gallon US_gallons
volume|0.00454609|0|UK_gal imperial_gallon imperial_gallons
volume|0.000473176473|0|US_pint US_pints
volume|0.00056826125|0|UK_pint UK_pints imperial_pint imperial_pints
volume|0.0000295735295625|0|US_fl_oz
mass|1|0|kg kilogram kilograms
mass|1/1000|0|g gram grams
mass|1/1000000|0|mg milligram milligrams
mass|1000|0|t tonne tonnes
mass|0.45359237|0|lb lbs pound pounds
mass|0.028349523125|0|oz ounce ounces
mass|6.35029318|0|st stone stones
mass|907.18474|0|US_ton short_ton short_tons
time|1|0|s second seconds
time|1/1000|0|ms millisecond milliseconds
time|60|0|min minute minutes
time|3600|0|h hour hours
time|86400|0|d day days
time|604800|0|week weeks
speed|1|0|m/s
speed|5/18|0|km/h kph
speed|0.44704|0|mph mi/h
speed|463/900|0|kn knot knots
speed|0.3048|0|ft/s
temperature|1|0|K kelvin
temperature|1|273.15|°C C celsius
temperature|5/9|45967/180|°F F fahrenheit
pressure|1|0|Pa pascal
pressure|100|0|hPa mbar millibar
pressure|1000|0|kPa
pressure|1000000|0|MPa
pressure|100000|0|bar
pressure|101325|0|atm
pressure|8896443230521/1290320000|0|psi
energy|1|0|J joule joules
energy|1000|0|kJ
energy|1000000|0|MJ
energy|3600|0|Wh
energy|3600000|0|kWh
energy|4.184|0|cal calorie calories
energy|4184|0|kcal
energy|1055.05585262|0|BTU
power|1|0|W watt watts
power|1000|0|kW
power|1000000|0|MW
power|735.49875|0|PS metric_horsepower
power|745.69987158227022|0|hp horsepower
angle|1|0|° deg degree degrees
angle|1/60|0|arcmin
angle|1/3600|0|arcsec
angle|360|0|turn turns revolution revolutions
angle|0.9|0|gon
data|1|0|bit bits
data|8|0|B byte bytes
data|1000|0|kbit
data|1000000|0|Mbit
data|1000000000|0|Gbit
data|8000|0|kB KB kilobyte kilobytes
data|8000000|0|MB megabyte megabytes
data|8000000000|0|GB gigabyte gigabytes
data|8000000000000|0|TB terabyte terabytes
data|8192|0|KiB kibibyte kibibytes
data|8388608|0|MiB mebibyte mebibytes
data|8589934592|0|GiB gibibyte gibibytes
data|8796093022208|0|TiB tebibyte tebibytes
`

type unit struct {
	dimension      string
	factor, offset *big.Rat
}

// byName has the units by their names.
var byName = sync.OnceValue(func() map[string]unit {
	units := map[string]unit{}
	for line := range strings.Lines(strings.TrimSpace(table)) {
		fields := strings.Split(strings.TrimSpace(line), "|")
		factor, _ := new(big.Rat).SetString(fields[1])
		offset, _ := new(big.Rat).SetString(fields[2])
		for _, name := range strings.Fields(fields[3]) {
			units[strings.ReplaceAll(name, "_", " ")] = unit{fields[0], factor, offset}
		}
	}
	return units
})

// find returns a unit by its name. The case of words does not count, that of symbols does:
// an m before a unit is a thousandth, an M a million.
func find(name string) (unit, error) {
	name = strings.Join(strings.Fields(strings.NewReplacer("_", " ", "^", "").Replace(name)), " ")
	if found, known := byName()[name]; known {
		return found, nil
	}
	if len(name) > 3 {
		for each, found := range byName() {
			if len(each) > 3 && strings.EqualFold(each, name) && (each[0] == name[0] || !hasPrefix(each)) {
				return found, nil
			}
		}
	}
	if name == "gal" || name == "gallon" || name == "gallons" || name == "pint" || name == "pints" {
		return unit{}, fmt.Errorf("%q is ambiguous: write US %s or UK gal, UK pint", name, name)
	}
	return unit{}, fmt.Errorf("there is no unit %.40q here", name)
}

// hasPrefix reports a symbol such as mbar and Mbit, by the unit that its end is.
func hasPrefix(symbol string) bool {
	_, isUnit := byName()[symbol[1:]]
	return isUnit && strings.EqualFold(symbol[:1], "m")
}
