// Package dataquery is the tool that filters, groups, sums and sorts tables: those of
// the agent's files, and those that a call brings along as CSV or JSON.
package dataquery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/untrusted"
)

const (
	description = "Work out answers from a table: keep rows, group them, count, sum, average, sort. Exact, also for many rows. " +
		"Give the table as CSV (its first line names the columns) or JSON (a list of objects) in data"
	inFile = ", or the name of one of the agent's tables in file"

	mostNamed   = 20
	mostColumns = 30
)

const schema = `{"type":"object","properties":{` +
	`"data":{"type":"string","description":"The table as CSV or JSON."},` +
	`"file":{"type":"string","description":"The name of one of the agent's tables, instead of data."},` +
	`"where":{"type":"array","maxItems":10,"description":"Conditions that all rows must fit.","items":{"type":"object","properties":{` +
	`"column":{"type":"string"},` +
	`"is":{"type":"string","enum":["equal","not_equal","less","at_most","more","at_least","contains","one_of","empty","not_empty"]},` +
	`"value":{"description":"A text or number; a list for one_of."}},"required":["column","is"]}},` +
	`"group_by":{"type":"array","maxItems":5,"items":{"type":"string"},"description":"Columns whose equal values become one row."},` +
	`"compute":{"type":"array","maxItems":10,"items":{"type":"object","properties":{` +
	`"function":{"type":"string","enum":["count","distinct","sum","average","median","minimum","maximum"]},` +
	`"column":{"type":"string","description":"Not needed for count."}},"required":["function"]},` +
	`"description":"What to work out of all rows, or of each group."},` +
	`"columns":{"type":"array","maxItems":50,"items":{"type":"string"},"description":"The columns to show; all when left out."},` +
	`"sort":{"type":"array","maxItems":5,"items":{"type":"object","properties":{"column":{"type":"string"},"descending":{"type":"boolean"}},` +
	`"required":["column"]},"description":"By columns of the result, such as region or sum(amount)."},` +
	`"limit":{"type":"integer","minimum":1,"maximum":200,"description":"Rows to show; 50 when left out."},` +
	`"from":{"type":"integer","minimum":0,"description":"Rows to skip, to read on."}},"additionalProperties":false}`

func init() {
	tools.Register(tools.Tool{
		Name: "data_query", Description: description + ".", Schema: json.RawMessage(schema), May: tools.Reads,
		Run: runner{}.run, UseTables: useTables,
	})
}

// useTables names the agent's tables, and their columns unless others may have written those.
func useTables(tool tools.Tool, source tools.Tables) tools.Tool {
	about := ". Tables: "
	if tool.Untrusted {
		about = ". Tables, whose columns a query without conditions shows: "
	}
	var tables []string
	names := source.TableNames()
	for _, name := range names[:min(len(names), mostNamed)] {
		if !tool.Untrusted {
			name += columnsOf(source, name)
		}
		tables = append(tables, name)
	}
	if more := len(names) - mostNamed; more > 0 {
		tables = append(tables, fmt.Sprintf("and %d more", more))
	}
	tool.Description = description + inFile + about + strings.Join(tables, "; ") + "."
	tool.Run = runner{source}.run
	return tool
}

// columnsOf returns the names of a table's columns in parentheses, if they can be read.
func columnsOf(source tools.Tables, name string) string {
	text, _ := source.Table(name)
	line, _, _ := strings.Cut(text, "\n")
	t, err := parseCSV(untrusted.Clean(line))
	if err != nil {
		return ""
	}
	return " (" + strings.Join(shortened(t.columns[:min(len(t.columns), mostColumns)], maxName), ", ") + ")"
}

// runner answers calls; its tables are nil in an agent without any.
type runner struct{ tables tools.Tables }

// input has the arguments.
type input struct {
	Data    string      `json:"data"`
	File    string      `json:"file"`
	Where   []condition `json:"where"`
	GroupBy []string    `json:"group_by"`
	Compute []measure   `json:"compute"`
	Columns []string    `json:"columns"`
	Sort    []order     `json:"sort"`
	Limit   int         `json:"limit"`
	From    int         `json:"from"`
}

func (r runner) run(_ context.Context, arguments json.RawMessage) (string, error) {
	var in input
	if err := json.Unmarshal(arguments, &in); err != nil {
		return "", fmt.Errorf("bad arguments: %w", err)
	}
	t, err := r.tableOf(in)
	if err != nil {
		return "", err
	}
	return query(t, in)
}

func (r runner) tableOf(in input) (*table, error) {
	switch {
	case in.File == "" && strings.TrimSpace(in.Data) == "":
		return nil, errors.New("give a table in data, or the name of one in file")
	case in.File == "":
		return parse(in.Data)
	case in.Data != "":
		return nil, errors.New("give data or file, not both")
	case r.tables == nil:
		return nil, errors.New("the agent has no tables of its own; give one in data")
	}
	text, found := r.tables.Table(in.File)
	if !found {
		return nil, fmt.Errorf("there is no table %q; the tables are: %s", in.File, strings.Join(r.tables.TableNames(), ", "))
	}
	return parseCSV(text)
}
