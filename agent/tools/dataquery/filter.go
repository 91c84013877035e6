package dataquery

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

const maxList = 100

// condition is what a row must fit. Numbers are compared as numbers, other values as
// text, whose case does not count.
type condition struct {
	Column string          `json:"column"`
	Is     string          `json:"is"`
	Value  json.RawMessage `json:"value"`
}

// column returns the place of a column: by its name, or by its name in another case.
func (t *table) column(name string) (int, error) {
	if at := slices.Index(t.columns, name); at >= 0 {
		return at, nil
	}
	at := slices.IndexFunc(t.columns, func(c string) bool { return strings.EqualFold(c, strings.TrimSpace(name)) })
	if at < 0 {
		return 0, fmt.Errorf("there is no column %q; the columns are: %s", name, strings.Join(t.columns, ", "))
	}
	return at, nil
}

// test returns a function that tells whether a cell fits.
func (c condition) test() (func(string) bool, error) {
	values := []string{""}
	if len(c.Value) > 0 {
		values[0] = plain(c.Value)
		var list []json.RawMessage
		if json.Unmarshal(c.Value, &list) == nil && string(c.Value) != "null" {
			values = nil
			for _, value := range list[:min(len(list), maxList)] {
				values = append(values, plain(value))
			}
		}
	}
	if c.Is != "one_of" && len(values) != 1 {
		return nil, fmt.Errorf("the condition on %q needs one value", c.Column)
	}
	switch c.Is {
	case "empty":
		return func(cell string) bool { return strings.TrimSpace(cell) == "" }, nil
	case "not_empty":
		return func(cell string) bool { return strings.TrimSpace(cell) != "" }, nil
	case "contains":
		part := strings.ToLower(values[0])
		return func(cell string) bool { return strings.Contains(strings.ToLower(cell), part) }, nil
	case "one_of":
		return anyOf(values), nil
	}
	return c.comparison(values[0])
}

func anyOf(values []string) func(string) bool {
	wanted := make([]value, len(values))
	for i, text := range values {
		wanted[i] = valueOf(text)
	}
	return func(cell string) bool {
		given := valueOf(cell)
		return slices.ContainsFunc(wanted, func(w value) bool { return given.compare(w) == 0 })
	}
}

func (c condition) comparison(text string) (func(string) bool, error) {
	fits, known := map[string]func(int) bool{
		"equal": func(n int) bool { return n == 0 }, "not_equal": func(n int) bool { return n != 0 },
		"less": func(n int) bool { return n < 0 }, "at_most": func(n int) bool { return n <= 0 },
		"more": func(n int) bool { return n > 0 }, "at_least": func(n int) bool { return n >= 0 },
	}[c.Is]
	if !known {
		return nil, fmt.Errorf("there is no condition %q", c.Is)
	}
	wanted := valueOf(text)
	isOrder := c.Is != "equal" && c.Is != "not_equal"
	return func(cell string) bool {
		given := valueOf(cell)
		// What is missing or of another kind is neither less nor more.
		if isOrder && (given.isEmpty() || (given.number == nil) != (wanted.number == nil)) {
			return false
		}
		return fits(given.compare(wanted))
	}, nil
}

// value is a cell as it is compared.
type value struct {
	text   string
	number *big.Rat
}

func valueOf(cell string) value {
	n, _ := parseNumber(cell)
	return value{strings.ToLower(strings.TrimSpace(cell)), n}
}

func (v value) isEmpty() bool { return v.text == "" }

// compare orders numbers before texts, and what is empty last.
func (v value) compare(other value) int {
	switch {
	case v.isEmpty() != other.isEmpty():
		if v.isEmpty() {
			return 1
		}
		return -1
	case v.number != nil && other.number != nil:
		return v.number.Cmp(other.number)
	case (v.number != nil) != (other.number != nil):
		if v.number != nil {
			return -1
		}
		return 1
	}
	return cmp.Compare(v.text, other.text)
}

// filter returns the rows that fit all conditions.
func (t *table) filter(conditions []condition) ([][]string, error) {
	rows := t.rows
	for _, c := range conditions {
		at, err := t.column(c.Column)
		if err != nil {
			return nil, err
		}
		fits, err := c.test()
		if err != nil {
			return nil, err
		}
		var kept [][]string
		for _, row := range rows {
			if fits(row[at]) {
				kept = append(kept, row)
			}
		}
		rows = kept
	}
	return rows, nil
}
