package dataquery

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// measure is a number that is worked out of a column's cells. Empty cells don't count.
type measure struct {
	Function string `json:"function"`
	Column   string `json:"column"`
}

func (m measure) name() string {
	if m.Column == "" {
		return m.Function
	}
	return m.Function + "(" + m.Column + ")"
}

// of returns the measure of rows; nothing where there is none, such as the average of no row.
func (m measure) of(t *table, rows [][]string) (string, error) {
	if m.Column == "" {
		if m.Function != "count" {
			return "", fmt.Errorf("%s needs a column", m.Function)
		}
		return strconv.Itoa(len(rows)), nil
	}
	at, err := t.column(m.Column)
	if err != nil {
		return "", err
	}
	var cells []string
	for _, row := range rows {
		if cell := strings.TrimSpace(row[at]); cell != "" {
			cells = append(cells, cell)
		}
	}
	switch m.Function {
	case "count":
		return strconv.Itoa(len(cells)), nil
	case "distinct":
		distinct := map[string]bool{}
		for _, cell := range cells {
			distinct[key(cell)] = true
		}
		return strconv.Itoa(len(distinct)), nil
	case "minimum", "maximum":
		return m.extreme(cells), nil
	}
	return m.ofNumbers(cells)
}

// key is the same for cells that are equal: 1.0 and 1, North and north.
func key(cell string) string {
	if n, ok := parseNumber(cell); ok {
		return n.RatString()
	}
	return strings.ToLower(strings.TrimSpace(cell))
}

func (m measure) extreme(cells []string) string {
	if len(cells) == 0 {
		return ""
	}
	compare := func(a, b string) int { return valueOf(a).compare(valueOf(b)) }
	if m.Function == "minimum" {
		return slices.MinFunc(cells, compare)
	}
	return slices.MaxFunc(cells, compare)
}

func (m measure) ofNumbers(cells []string) (string, error) {
	numbers := make([]*big.Rat, len(cells))
	sum := new(big.Rat)
	for i, cell := range cells {
		n, ok := parseNumber(cell)
		if !ok {
			return "", fmt.Errorf("%s is not possible: %.60q in the column %q is not a number such as 1234.5; leave such rows out with where", m.Function, cell, m.Column)
		}
		numbers[i] = n
		sum.Add(sum, n)
	}
	count := int64(len(numbers))
	switch {
	case m.Function == "sum":
		return format(sum), nil
	case m.Function != "average" && m.Function != "median":
		return "", fmt.Errorf("there is no function %q", m.Function)
	case count == 0:
		return "", nil
	case m.Function == "average":
		return format(sum.Quo(sum, big.NewRat(count, 1))), nil
	}
	slices.SortFunc(numbers, (*big.Rat).Cmp)
	low, high := numbers[(count-1)/2], numbers[count/2]
	return format(sum.Quo(sum.Add(low, high), big.NewRat(2, 1))), nil
}
