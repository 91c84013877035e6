// Package units is the tool that converts quantities between units, by exact factors.
package units

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"agent.local/a0000000000000000/tools"
)

func init() {
	tools.Register(tools.Tool{
		Name: "units",
		Description: "Convert a quantity to another unit, by exact factors: length, area, volume, mass, time, speed, temperature, " +
			"pressure, energy, power, angle, data. Write units as km, mi, ft2, L, US gal, lb, km/h, °C, psi, kWh, MB, MiB.",
		Schema: json.RawMessage(`{"type":"object","properties":{"value":{"type":"number"},` +
			`"from":{"type":"string"},"to":{"type":"string"}},"required":["value","from","to"],"additionalProperties":false}`),
		Run: run,
	})
}

// Exponents are short, since a number is held with all its digits.
var number = regexp.MustCompile(`^-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?$`)

// Significant digits of a result that does not end.
const digits = 12

func run(_ context.Context, arguments json.RawMessage) (string, error) {
	var in struct {
		Value    json.RawMessage `json:"value"`
		From, To string
	}
	if err := json.Unmarshal(arguments, &in); err != nil {
		return "", fmt.Errorf("bad arguments: %w", err)
	}
	text := strings.TrimSpace(strings.Trim(string(in.Value), `"`))
	if !number.MatchString(text) {
		return "", errors.New("the value must be a number such as 12.5, of at most 40 digits")
	}
	value, _ := new(big.Rat).SetString(text)
	from, err := find(in.From)
	if err != nil {
		return "", err
	}
	to, err := find(in.To)
	if err != nil {
		return "", err
	}
	if from.dimension != to.dimension {
		return "", fmt.Errorf("%s is a %s and %s a %s: they can't be converted", in.From, from.dimension, in.To, to.dimension)
	}
	base := new(big.Rat).Add(new(big.Rat).Mul(value, from.factor), from.offset)
	if from.dimension == temperature && base.Sign() < 0 {
		return "", errors.New("nothing is colder than 0 K, -273.15 °C")
	}
	result := base.Quo(base.Sub(base, to.offset), to.factor)
	return fmt.Sprintf("%s %s = %s %s", text, in.From, format(result), in.To), nil
}

// format writes a number exactly if its digits end soon, and says when it is rounded.
func format(value *big.Rat) string {
	places, exact := value.FloatPrec()
	if exact && places <= 20 {
		return value.FloatString(places)
	}
	rounded := new(big.Float).SetPrec(200).SetRat(value)
	return rounded.Text('g', digits) + " (rounded)"
}
