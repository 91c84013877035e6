package dataquery

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	usualLimit = 50
	mostShown  = 200
	// Characters of one result; "from" reads on.
	maxText = 12_000
	// Of one cell, and of the name of a column.
	maxCell = 500
	maxName = 100

	mostConditions, mostGroups, mostMeasures, mostOrders = 10, 5, 10, 5
)

// order is a column of the result to sort by.
type order struct {
	Column     string `json:"column"`
	Descending bool   `json:"descending"`
}

// query returns the result as comma-separated values, and how much there is of it.
func query(t *table, in input) (string, error) {
	if len(in.Where) > mostConditions || len(in.GroupBy) > mostGroups || len(in.Compute) > mostMeasures || len(in.Sort) > mostOrders {
		return "", fmt.Errorf("a query has at most %d conditions, %d groups, %d computed columns and %d orders", mostConditions, mostGroups, mostMeasures, mostOrders)
	}
	rows, err := t.filter(in.Where)
	if err != nil {
		return "", err
	}
	result := &table{t.columns, rows}
	if len(in.GroupBy) > 0 || len(in.Compute) > 0 {
		if result, err = t.group(rows, in.GroupBy, in.Compute); err != nil {
			return "", err
		}
	}
	if err := result.sort(in.Sort); err != nil {
		return "", err
	}
	if result, err = result.only(in.Columns); err != nil {
		return "", err
	}
	return result.show(in.From, in.Limit, fmt.Sprintf("%d of %d rows fit", len(rows), len(t.rows))), nil
}

// group returns a row for each combination of values, in the order in which they come.
func (t *table) group(rows [][]string, by []string, measures []measure) (*table, error) {
	places := make([]int, len(by))
	result := &table{}
	for i, name := range by {
		at, err := t.column(name)
		if err != nil {
			return nil, err
		}
		places[i] = at
		result.columns = append(result.columns, t.columns[at])
	}
	if len(measures) == 0 {
		measures = []measure{{Function: "count"}}
	}
	for _, m := range measures {
		result.columns = append(result.columns, m.name())
	}
	names, groups := groupsOf(rows, places)
	for _, name := range names {
		var row []string
		for _, at := range places {
			row = append(row, groups[name][0][at])
		}
		for _, m := range measures {
			value, err := m.of(t, groups[name])
			if err != nil {
				return nil, err
			}
			row = append(row, value)
		}
		result.rows = append(result.rows, row)
	}
	return result, nil
}

func groupsOf(rows [][]string, places []int) (names []string, groups map[string][][]string) {
	groups = map[string][][]string{}
	if len(places) == 0 {
		// The measures of no row are an answer too.
		return []string{""}, map[string][][]string{"": rows}
	}
	for _, row := range rows {
		var name strings.Builder
		for _, at := range places {
			name.WriteString(key(row[at]) + "\x00")
		}
		if _, known := groups[name.String()]; !known {
			names = append(names, name.String())
		}
		groups[name.String()] = append(groups[name.String()], row)
	}
	return names, groups
}

// sort orders the rows; what is empty comes last in both directions.
func (t *table) sort(orders []order) error {
	for _, o := range slices.Backward(orders) {
		at, err := t.column(o.Column)
		if err != nil {
			return err
		}
		// Each cell is read once, not with every comparison.
		values := make(map[*string]value, len(t.rows))
		for _, row := range t.rows {
			values[&row[at]] = valueOf(row[at])
		}
		slices.SortStableFunc(t.rows, func(a, b []string) int {
			one, two := values[&a[at]], values[&b[at]]
			compared := one.compare(two)
			if o.Descending && !one.isEmpty() && !two.isEmpty() {
				return -compared
			}
			return compared
		})
	}
	return nil
}

// only returns the table with some of its columns.
func (t *table) only(names []string) (*table, error) {
	if len(names) == 0 {
		return t, nil
	}
	places := make([]int, len(names))
	result := &table{}
	for i, name := range names {
		at, err := t.column(name)
		if err != nil {
			return nil, err
		}
		places[i] = at
		result.columns = append(result.columns, t.columns[at])
	}
	for _, row := range t.rows {
		kept := make([]string, len(places))
		for i, at := range places {
			kept[i] = row[at]
		}
		result.rows = append(result.rows, kept)
	}
	return result, nil
}

// show writes the rows that there is room for.
func (t *table) show(from, limit int, fit string) string {
	if limit <= 0 {
		limit = usualLimit
	}
	from = max(0, min(from, len(t.rows)))
	end := min(from+min(limit, mostShown), len(t.rows))
	var text strings.Builder
	writer := csv.NewWriter(&text)
	_ = writer.Write(shortened(t.columns, maxName))
	shown := from
	for _, row := range t.rows[from:end] {
		writer.Flush()
		// One row at least, or reading on would never end.
		if text.Len() > maxText && shown > from {
			break
		}
		_ = writer.Write(shortened(row, maxCell))
		shown++
	}
	writer.Flush()
	note := fmt.Sprintf("(%s; %d in the result", fit, len(t.rows))
	if shown < len(t.rows) {
		note += fmt.Sprintf(", of which %d to %d; read on with from: %d", from+1, shown, shown)
	}
	return text.String() + "\n" + note + ")"
}

func shortened(row []string, most int) []string {
	short := make([]string, len(row))
	for i, cell := range row {
		if short[i] = cell; utf8.RuneCountInString(cell) > most {
			short[i] = string([]rune(cell)[:most]) + "…"
		}
	}
	return short
}
