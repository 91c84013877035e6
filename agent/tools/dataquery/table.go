package dataquery

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	maxRows    = 200_000
	maxColumns = 300
	// Objects within objects become columns such as address.city.
	maxNesting = 4
)

// table has columns with distinct names; every row has a cell for each.
type table struct {
	columns []string
	rows    [][]string
}

func parse(text string) (*table, error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{") {
		return parseJSON(text)
	}
	return parseCSV(text)
}

// parseCSV reads values that are divided by what divides the first line most often.
func parseCSV(text string) (*table, error) {
	reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	reader.Comma, reader.LazyQuotes, reader.FieldsPerRecord = delimiter(text), true, -1
	b := newBuilder()
	header, err := reader.Read()
	if err != nil {
		return nil, errors.New("the table is empty; its first line must name the columns")
	}
	for i, name := range header {
		b.name(i, strings.Join(strings.Fields(name), " "))
	}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return b.finish()
		}
		if err != nil {
			return nil, fmt.Errorf("the table can't be read: %w", err)
		}
		if err := b.add(record); err != nil {
			return nil, err
		}
	}
}

func delimiter(text string) rune {
	line, _, _ := strings.Cut(text, "\n")
	best, most := ',', 0
	for _, candidate := range ",;\t|" {
		count := 0
		for i, part := range strings.Split(line, `"`) {
			if i%2 == 0 {
				count += strings.Count(part, string(candidate))
			}
		}
		if count > most {
			best, most = candidate, count
		}
	}
	return best
}

// parseJSON reads a list of objects, lists or values; an object that has one such list;
// or an object a line.
func parseJSON(text string) (*table, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	var values []json.RawMessage
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the data is not JSON: %w", err)
		}
		if values = append(values, value); len(values) > maxRows {
			return nil, errTooMany
		}
	}
	if len(values) == 1 {
		if values[0][0] == '{' {
			values = listIn(values[0], values)
		} else if err := json.Unmarshal(values[0], &values); err != nil {
			return nil, errors.New("the data is no list")
		}
	}
	b := newBuilder()
	if len(values) > 0 && values[0][0] == '[' {
		return b.lists(values)
	}
	for _, value := range values {
		record := make([]string, len(b.columns))
		if err := b.flatten("", value, &record, 0); err != nil {
			return nil, err
		}
		if err := b.add(record); err != nil {
			return nil, err
		}
	}
	return b.finish()
}

// listIn returns the only list of an object, or the object as the only row.
func listIn(object json.RawMessage, alone []json.RawMessage) []json.RawMessage {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(object, &fields)
	var found []json.RawMessage
	lists := 0
	for _, value := range fields {
		if value[0] == '[' && json.Unmarshal(value, &found) == nil {
			lists++
		}
	}
	if lists == 1 {
		return found
	}
	return alone
}

var errTooMany = fmt.Errorf("a table has at most %d rows and %d columns", maxRows, maxColumns)

// builder makes a table whose columns come to be known row by row.
type builder struct {
	table
	index map[string]int
}

func newBuilder() *builder { return &builder{index: map[string]int{}} }

// name adds a column; without a name, or with one that is taken, it gets another.
func (b *builder) name(i int, name string) {
	if name == "" {
		name = fmt.Sprintf("column_%d", i+1)
	}
	base := name
	for n := 2; ; n++ {
		if _, taken := b.index[name]; !taken {
			break
		}
		name = fmt.Sprintf("%s_%d", base, n)
	}
	b.index[name] = len(b.columns)
	b.columns = append(b.columns, name)
}

func (b *builder) add(record []string) error {
	for len(b.columns) < len(record) && len(b.columns) <= maxColumns {
		b.name(len(b.columns), "")
	}
	if len(b.columns) > maxColumns || len(b.rows) == maxRows {
		return errTooMany
	}
	b.rows = append(b.rows, record)
	return nil
}

// finish gives the rows that came before a column an empty cell for it.
func (b *builder) finish() (*table, error) {
	if len(b.columns) > maxColumns {
		return nil, errTooMany
	}
	for i, row := range b.rows {
		for len(row) < len(b.columns) {
			row = append(row, "")
		}
		b.rows[i] = row
	}
	return &b.table, nil
}

// lists reads rows that are lists, of which the first one names the columns.
func (b *builder) lists(values []json.RawMessage) (*table, error) {
	for i, value := range values {
		var cells []json.RawMessage
		if json.Unmarshal(value, &cells) != nil {
			return nil, fmt.Errorf("row %d is no list as the first one is", i+1)
		}
		record := make([]string, len(cells))
		for at, cell := range cells {
			record[at] = plain(cell)
		}
		if i == 0 {
			for at, name := range record {
				b.name(at, name)
			}
			continue
		}
		if err := b.add(record); err != nil {
			return nil, err
		}
	}
	return b.finish()
}

// flatten adds the fields of an object to a record, in their order.
func (b *builder) flatten(prefix string, value json.RawMessage, record *[]string, depth int) error {
	if value[0] != '{' || depth == maxNesting {
		if prefix == "" {
			prefix = "value"
		}
		at, known := b.index[prefix]
		if !known {
			if at = len(b.columns); at == maxColumns {
				return errTooMany
			}
			b.index[prefix] = at
			b.columns = append(b.columns, prefix)
		}
		for len(*record) <= at {
			*record = append(*record, "")
		}
		(*record)[at] = plain(value)
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	_, _ = decoder.Token()
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return err
		}
		var inner json.RawMessage
		if err := decoder.Decode(&inner); err != nil {
			return err
		}
		name, _ := key.(string)
		if prefix != "" {
			name = prefix + "." + name
		}
		if err := b.flatten(name, inner, record, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// plain returns a text without quotation marks, nothing for null, and other JSON as it is.
func plain(value json.RawMessage) string {
	var text string
	switch {
	case string(value) == "null":
		return ""
	case json.Unmarshal(value, &text) == nil:
		return text
	}
	return string(value)
}
