package dataquery

import (
	"math/big"
	"regexp"
	"strings"
)

// Decimals as spreadsheets and programs write them. Whether 1,234 is a thousand or
// one and a quarter can't be known, so it is no number.
var number = regexp.MustCompile(`^[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?$`)

// digits is how many a quotient has after the point.
const digits = 10

func parseNumber(text string) (*big.Rat, bool) {
	text = strings.TrimSpace(text)
	if !number.MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// format writes a number exactly if its digits end soon, and rounded otherwise.
func format(value *big.Rat) string {
	places, exact := value.FloatPrec()
	if !exact || places > 2*digits {
		places = digits
	}
	text := value.FloatString(places)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}
