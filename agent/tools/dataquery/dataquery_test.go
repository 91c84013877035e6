package dataquery

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"agent.local/a0000000000000000/tools"
)

const sales = "Region,Amount,Day\nNorth,10.10,2026-01-02\nSouth,5,2026-01-01\nnorth,0.2,2026-01-03\nWest,,2026-01-04\n"

// ask returns the rows of a result, without the note below; an error as "error: …".
func ask(t *testing.T, data, query string) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(query), &fields); err != nil {
		t.Fatal(query, err)
	}
	if data != "" {
		fields["data"] = data
	}
	encoded, _ := json.Marshal(fields)
	result, err := (runner{}).run(t.Context(), encoded)
	if err != nil {
		return "error: " + err.Error()
	}
	rows, _, _ := strings.Cut(result, "\n\n(")
	return strings.TrimSpace(rows)
}

func TestQueries(t *testing.T) {
	t.Parallel()
	nested := `{"total":2,"items":[{"name":"a","at":{"city":"Oslo"},"tags":[1,2]},{"name":"b","n":12345678901234567890,"at":null}]}`
	for _, c := range []struct{ data, query, want string }{
		{sales, `{"where":[{"column":"region","is":"equal","value":"NORTH"}]}`, "Region,Amount,Day\nNorth,10.10,2026-01-02\nnorth,0.2,2026-01-03"},
		{sales, `{"where":[{"column":"Amount","is":"at_least","value":5}],"columns":["Amount"]}`, "Amount\n10.10\n5"},
		{sales, `{"where":[{"column":"Day","is":"less","value":"2026-01-03"}],"columns":["Region"],"sort":[{"column":"Day"}]}`,
			"Region\nSouth\nNorth"},
		{sales, `{"where":[{"column":"Amount","is":"empty"}],"columns":["Region"]}`, "Region\nWest"},
		{sales, `{"where":[{"column":"Region","is":"one_of","value":["South","West"]}],"columns":["Region"]}`, "Region\nSouth\nWest"},
		{sales, `{"where":[{"column":"Region","is":"contains","value":"OUT"}],"columns":["Region"]}`, "Region\nSouth"},
		{sales, `{"where":[{"column":"Amount","is":"not_equal","value":"5.0"},{"column":"Amount","is":"not_empty"}],"columns":["Amount"]}`, "Amount\n10.10\n0.2"},
		{sales, `{"group_by":["Region"],"compute":[{"function":"sum","column":"Amount"},{"function":"count"}],"sort":[{"column":"sum(Amount)","descending":true}]}`,
			"Region,sum(Amount),count\nNorth,10.3,2\nSouth,5,1\nWest,0,1"},
		{sales, `{"group_by":["Region"]}`, "Region,count\nNorth,2\nSouth,1\nWest,1"},
		{sales, `{"compute":[{"function":"average","column":"Amount"},{"function":"median","column":"Amount"},{"function":"minimum","column":"Day"},{"function":"maximum","column":"Amount"},{"function":"distinct","column":"Region"},{"function":"count","column":"Amount"}]}`,
			"average(Amount),median(Amount),minimum(Day),maximum(Amount),distinct(Region),count(Amount)\n5.1,5,2026-01-01,10.10,3,3"},
		{sales, `{"where":[{"column":"Region","is":"equal","value":"East"}],"compute":[{"function":"sum","column":"Amount"},{"function":"average","column":"Amount"},{"function":"count"}]}`,
			"sum(Amount),average(Amount),count\n0,,0"},
		{sales, `{"sort":[{"column":"Amount","descending":true}],"columns":["Amount"],"limit":2}`, "Amount\n10.10\n5"},
		{"a;b\n1;\"x;y\"\n2;z", `{}`, "a,b\n1,x;y\n2,z"},
		{"a,a,\n1,2,3,4", `{}`, "a,a_2,column_3,column_4\n1,2,3,4"},
		{"x\n10\n9\n1e2\n\nabc", `{"sort":[{"column":"x"}]}`, "x\n9\n10\n1e2\nabc"},
		{"x\n0.1\n0.2", `{"compute":[{"function":"sum","column":"x"}]}`, "sum(x)\n0.3"},
		{"x\n1\n1\n2", `{"compute":[{"function":"average","column":"x"}]}`, "average(x)\n1.3333333333"},
		{nested, `{}`, "name,at.city,tags,n,at\na,Oslo,\"[1,2]\",,\nb,,,12345678901234567890,"},
		{`[["a","b"],[1,2],[3,null]]`, `{"where":[{"column":"b","is":"not_empty"}]}`, "a,b\n1,2"},
		{`[3,1,2]`, `{"sort":[{"column":"value"}]}`, "value\n1\n2\n3"},
		{"{\"a\":1}\n{\"a\":2}", `{"compute":[{"function":"sum","column":"a"}]}`, "sum(a)\n3"},
		{`{"a":1,"b":true}`, `{}`, "a,b\n1,true"},
		{`[{"a":{"b":{"c":{"d":{"e":1}}}}}]`, `{}`, "a.b.c.d\n\"{\"\"e\"\":1}\""},
	} {
		if got := ask(t, c.data, c.query); got != c.want {
			t.Errorf("%s\n%s\ngives\n%s\nnot\n%s", c.data, c.query, got, c.want)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ data, query, want string }{
		{"", `{}`, "give a table in data"},
		{"a\n1", `{"file":"x.csv"}`, "not both"},
		{"", `{"file":"x.csv"}`, "has no tables of its own"},
		{"[1", `{}`, "is not JSON"},
		{`[[1],{}]`, `{}`, "no list"},
		{sales, `{"where":[{"column":"City","is":"equal","value":1}]}`, "there is no column \"City\"; the columns are: Region, Amount, Day"},
		{sales, `{"where":[{"column":"Region","is":"like","value":1}]}`, "no condition"},
		{sales, `{"where":[{"column":"Region","is":"equal","value":[1,2]}]}`, "one value"},
		{sales, `{"compute":[{"function":"sum","column":"Region"}]}`, `"North" in the column "Region" is not a number`},
		{sales, `{"compute":[{"function":"sum"}]}`, "needs a column"},
		{sales, `{"compute":[{"function":"mode","column":"Amount"}]}`, "no function"},
		{"x\n\"1,234\"", `{"compute":[{"function":"sum","column":"x"}]}`, "is not a number"},
		{"x\n1e999999999", `{"compute":[{"function":"sum","column":"x"}]}`, "is not a number"},
		{strings.Repeat("a,", 400), `{}`, "at most"},
	} {
		if got := ask(t, c.data, c.query); !strings.HasPrefix(got, "error: ") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %.300s", c.query, got)
		}
	}
	conditions, _ := json.Marshal(map[string]any{"where": slices.Repeat([]condition{{Column: "x", Is: "empty"}}, 11)})
	if got := ask(t, "x\n1", string(conditions)); !strings.Contains(got, "at most 10 conditions") {
		t.Error(got)
	}
}

func TestALongResultIsCut(t *testing.T) {
	t.Parallel()
	var data strings.Builder
	data.WriteString("n\n")
	for i := range 1000 {
		fmt.Fprintf(&data, "%d\n", i)
	}
	encoded, _ := json.Marshal(map[string]any{"data": data.String(), "from": 10, "limit": 3})
	result, err := (runner{}).run(t.Context(), encoded)
	if err != nil || result != "n\n10\n11\n12\n\n(1000 of 1000 rows fit; 1000 in the result, of which 11 to 13; read on with from: 13)" {
		t.Error(result, err)
	}
	encoded, _ = json.Marshal(map[string]any{"data": "n\n" + strings.Repeat(strings.Repeat("x", 600)+"\n", 200), "limit": 200})
	if result, err = (runner{}).run(t.Context(), encoded); err != nil || len(result) > 2*maxText || !strings.Contains(result, "read on with from: ") {
		t.Errorf("%d, %v", len(result), err)
	}
}

// A row is shown whatever the columns are called, so that reading on ends.
func TestLongNamesOfColumns(t *testing.T) {
	t.Parallel()
	names := strings.Repeat(strings.Repeat("n", 200)+",", 250)
	encoded, _ := json.Marshal(map[string]any{"data": names + "\n1\n2\n", "from": 1})
	result, err := (runner{}).run(t.Context(), encoded)
	if err != nil || !strings.Contains(result, "\n2,") || !strings.HasSuffix(result, "(2 of 2 rows fit; 2 in the result)") || len(result) > 250*(maxName+10) {
		t.Errorf("%d, %v: …%s", len(result), err, result[max(0, len(result)-100):])
	}
}

type files map[string]string

func (f files) TableNames() []string { return slices.Sorted(maps.Keys(f)) }

func (f files) Table(name string) (string, bool) { text, found := f[name]; return text, found }

func TestTablesOfTheAgent(t *testing.T) {
	t.Parallel()
	functions, err := tools.Configured([]string{"data_query"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	chosen := append(functions, tools.Tool{Tables: files{"sales.csv": sales}})
	tools.ConnectTables(chosen)
	if !strings.HasSuffix(chosen[0].Description, "in file. Tables: sales.csv (Region, Amount, Day).") {
		t.Error(chosen[0].Description)
	}
	result, err := chosen[0].Run(t.Context(), json.RawMessage(`{"file":"sales.csv","compute":[{"function":"count"}]}`))
	if err != nil || !strings.HasPrefix(result, "count\n4\n") {
		t.Error(result, err)
	}
	chosen[0] = functions[0]
	chosen[1].Tables = files{"a.csv": strings.Repeat("x", 1000) + ",\u200bb\x1b[0m\n"}
	if tools.ConnectTables(chosen); !strings.HasSuffix(chosen[0].Description, ". Tables: a.csv ("+strings.Repeat("x", maxName)+"…, b).") {
		t.Error(chosen[0].Description)
	}
	// What others may have written is no part of a description.
	chosen[0] = functions[0]
	chosen[0].Untrusted = true
	if tools.ConnectTables(chosen); !strings.HasSuffix(chosen[0].Description, ". Tables, whose columns a query without conditions shows: a.csv.") {
		t.Error(chosen[0].Description)
	}
	chosen[1].Tables = files{"sales.csv": sales}
	tools.ConnectTables(chosen)
	_, err = chosen[0].Run(t.Context(), json.RawMessage(`{"file":"other.csv"}`))
	if err == nil || err.Error() != `there is no table "other.csv"; the tables are: sales.csv` {
		t.Error(err)
	}
	if _, err := tools.Configured([]string{"data_query"}, map[string]json.RawMessage{"data_query": json.RawMessage("{}")}, nil); err == nil {
		t.Error("settings were taken")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{sales, `[{"a":{"b":1}}]`, `[[1],[2]]`, `{"a":[1]}`, "a;b\n\"1;2", "[1]{", `[{"a":1,"a.b":2,"a":{"b":3}}]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parse(text)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, name := range parsed.columns {
			if seen[name] {
				t.Errorf("two columns %q of %q", name, text)
			}
			seen[name] = true
		}
		for _, row := range parsed.rows {
			if len(row) != len(parsed.columns) {
				t.Errorf("a row of %d cells, %d columns, of %q", len(row), len(parsed.columns), text)
			}
		}
		if _, err := query(parsed, input{Compute: []measure{{Function: "count"}}}); err != nil {
			t.Error(err)
		}
	})
}
