package websearch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"agent.local/a0000000000000000/outbound"
	"agent.local/a0000000000000000/tools"
)

const key = "search-key-0123456789"

// Answers as the services document them.
var answers = map[string]string{
	"brave": `{"type":"search","query":{"original":"tide","more_results_available":true},"web":{"type":"search","results":[` +
		`{"type":"search_result","title":"Tide &amp; time","url":"https://www.a.example/tide","description":"Twice\u200b a day.\n\u202eIgnore","family_friendly":true},` +
		`{"title":"Again","url":"https://www.a.example/tide","description":""},` +
		`{"title":"Bad","url":"javascript:alert(1)","description":""},` +
		`{"title":"Bad","url":"https://user@a.example/","description":""},` +
		`{"title":"Moon","url":"https://b.example/moon","description":"Pulls."}]}}`,
	"tavily": `{"query":"tide","follow_up_questions":null,"answer":null,"images":[],"results":[` +
		`{"title":"Tide & time","url":"https://www.a.example/tide","content":"Twice a day. Ignore","score":0.9,"raw_content":null},` +
		`{"title":"Moon","url":"https://b.example/moon","content":"Pulls.","score":0.5,"raw_content":null}],"response_time":1.2,"request_id":"x"}`,
	"searxng": `{"query":"tide","number_of_results":0,"results":[` +
		`{"url":"https://www.a.example/tide","title":"Tide & time","content":"Twice a day. Ignore","engine":"brave","parsed_url":["https"],"score":1.0,"category":"general"},` +
		`{"url":"https://b.example/moon","title":"Moon","content":"Pulls.","engine":"brave"}],` +
		`"answers":[],"corrections":[],"infoboxes":[],"suggestions":["moon"],"unresponsive_engines":[["duckduckgo","timeout"]]}`,
}

const bothPages = "1. Tide & time\nhttps://www.a.example/tide\nTwice a day. Ignore\n\n2. Moon\nhttps://b.example/moon\nPulls."

// service keeps what it was asked.
type service struct {
	*httptest.Server
	asked, body, auth, token string
}

func serve(t *testing.T, handler http.HandlerFunc) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.asked, s.body = r.Method+" "+r.URL.String(), string(body)
		s.auth, s.token = r.Header.Get("Authorization"), r.Header.Get("X-Subscription-Token")
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func tool(t *testing.T, settings string) tools.Tool {
	t.Helper()
	given := map[string]json.RawMessage{"web_search": json.RawMessage(settings)}
	functions, err := tools.Configured([]string{"web_search"}, given, func(name string) string {
		return map[string]string{
			outbound.PrivateHostsEnv: "127.0.0.1", "AGENT_KEY_WEB_SEARCH_BRAVE": key, "AGENT_KEY_WEB_SEARCH_TAVILY": key,
		}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	return functions[0]
}

// searched returns the result of a search, or its error.
func searched(t *testing.T, s *service, provider, further, query string) string {
	t.Helper()
	run := tool(t, fmt.Sprintf(`{"provider":%q,"url":"%s/base/"%s}`, provider, s.URL, further)).Run
	arguments, _ := json.Marshal(map[string]string{"query": query})
	text, err := run(t.Context(), arguments)
	if err != nil {
		return "error: " + err.Error()
	}
	return text
}

func TestServices(t *testing.T) {
	t.Parallel()
	for provider, want := range map[string][]string{
		"brave":   {"GET /base/web/search?count=5&q=low+tide&result_filter=web&text_decorations=false", "", "", key},
		"tavily":  {"POST /base/search", `{"max_results":5,"query":"low tide"}`, "Bearer " + key, ""},
		"searxng": {"GET /base/search?format=json&q=low+tide", "", "", ""},
	} {
		s := serve(t, says(answers[provider]))
		if got := searched(t, s, provider, "", " low\ntide "); got != bothPages {
			t.Errorf("%s: %q", provider, got)
		}
		got := []string{s.asked, strings.TrimSpace(s.body), s.auth, s.token}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s was asked %q, want %q", provider, got[i], want[i])
			}
		}
	}
}

// Each setting changes what is asked or found.
func TestSettings(t *testing.T) {
	t.Parallel()
	first, second, _ := strings.Cut(bothPages, "\n\n")
	second = "1" + second[1:]
	tests := []struct{ provider, further, asked, found string }{
		{"brave", `,"count":1`, "count=1&q=tide", first},
		{"searxng", `,"count":1`, "q=tide", first},
		{"tavily", `,"count":1`, `"max_results":1`, first},
		{"brave", `,"allowed_hosts":["a.example","c.example"]`, "q=tide+site%3Aa.example+OR+site%3Ac.example", first},
		{"searxng", `,"allowed_hosts":["b.example"]`, "q=tide+site%3Ab.example", second},
		{"tavily", `,"allowed_hosts":["b.example"]`, `"include_domains":["b.example"]`, second},
		{"brave", `,"excluded_hosts":["a.example"]`, "count=20&q=tide", second},
		{"tavily", `,"excluded_hosts":["a.example"],"count":1`, `"exclude_domains":["a.example"],"max_results":20`, second},
		{"searxng", `,"excluded_hosts":["example"]`, "q=tide", "Nothing was found."},
		{"searxng", `,"allowed_hosts":["example","a.exam"],"excluded_hosts":["b.example"]`, "q=tide", first},
	}
	for _, test := range tests {
		s := serve(t, says(answers[test.provider]))
		if got := searched(t, s, test.provider, test.further, "tide"); got != test.found || !strings.Contains(s.asked+s.body, test.asked) {
			t.Errorf("%s %s: asked %s %s, found %q", test.provider, test.further, s.asked, s.body, got)
		}
	}
	if allowed := tool(t, `{"provider":"brave","allowed_hosts":["a.example"]}`); !strings.Contains(allowed.Description, "only pages of a.example") {
		t.Error(allowed.Description)
	}
	if its := tool(t, `{"provider":"tavily"}`); its.Host != "api.tavily.com" || its.Unavailable != "" {
		t.Errorf("%s, %s", its.Host, its.Unavailable)
	}
}

// A host that is not ASCII has two spellings; a setting, which is ASCII, means both.
func TestBothSpellingsOfAHostAreOne(t *testing.T) {
	t.Parallel()
	answer := `{"results":[{"url":"https://xn--bcher-kva.example/1","title":"One"},` +
		`{"url":"https://www.Bücher.example/2","title":"Two"},{"url":"https://b%C3%BCcher.example/3","title":"Three"},` +
		`{"url":"https://bu\u0308cher.example./4","title":"Four"},{"url":"https://\ufffd.example/5","title":"Five"},` +
		`{"url":"https://sea.example/6","title":"Six"}]}`
	s := serve(t, says(answer))
	if got := searched(t, s, "searxng", `,"excluded_hosts":["xn--bcher-kva.example"]`, "books"); !strings.HasPrefix(got, "1. Six") {
		t.Error(got)
	}
	got := searched(t, s, "searxng", `,"allowed_hosts":["xn--bcher-kva.example"]`, "books")
	if !strings.Contains(got, "4. Four") || strings.Contains(got, "Five") || strings.Contains(got, "Six") {
		t.Error(got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		provider string
		status   int
		body     string
		want     string
	}{
		{"brave", 422, `{"type":"ErrorResponse","error":{"code":"SUBSCRIPTION_TOKEN_INVALID","detail":"The provided subscription token is invalid."}}`, "Brave Search answered 422 Unprocessable Entity (The provided subscription token is invalid.)"},
		{"brave", 429, `{"error":{"detail":"Request rate limit exceeded for ` + key + `"}}`, "429 Too Many Requests: no more searches now; answer without them or tell the user (Request rate limit exceeded for [key removed])"},
		{"tavily", 401, `{"detail":{"error":"Unauthorized: missing or invalid API key."}}`, "Tavily answered 401 Unauthorized: it refuses the agent's key; tell the user (Unauthorized: missing or invalid API key.)"},
		{"tavily", 432, `{"detail":{"error":"This request exceeds your plan's set usage limit."}}`, "432: no more searches now"},
		{"brave", 500, `{"error":{"detail":"` + strings.Repeat("x", maxReason-10) + key + `"}}`, "xxx[key remo…)"},
		{"tavily", 500, `{"detail":"x"}`, "Tavily answered 500 Internal Server Error"},
		{"searxng", 403, "<html>", "SearXNG answered 403 Forbidden: it gives no JSON"},
		{"searxng", 302, "", "302 Found: it redirects to another address, which is not followed"},
		{"searxng", 200, "<html>", "something that is not JSON"},
		{"searxng", 200, "[]", "answered without results"},
		{"searxng", 200, `{"results":"x"}`, "Nothing was found."},
		{"searxng", 200, strings.Repeat(" ", maxBody+1), "larger than 2 MB"},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		})
		if got := searched(t, s, test.provider, "", "tide"); !strings.Contains(got, test.want) {
			t.Errorf("%s %d: %s", test.provider, test.status, got)
		}
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	s := serve(t, says(answers["searxng"]))
	for query, want := range map[string]string{
		" \n": "the query is empty", strings.Repeat("ä", 401): "too long", strings.Repeat("a ", 51): "too long", strings.Repeat("ä", 400): "1. Tide",
	} {
		if got := searched(t, s, "searxng", "", query); !strings.Contains(got, want) {
			t.Errorf("%.20s: %s", query, got)
		}
	}
	if got := searched(t, s, "searxng", `,"allowed_hosts":["a.example"]`, strings.Repeat("a", 390)); !strings.Contains(got, "too long") {
		t.Error(got)
	}
}

// The address is judged when it is dialled.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	functions, err := tools.Configured([]string{"web_search"}, map[string]json.RawMessage{"web_search": json.RawMessage(`{"provider":"searxng","url":"http://127.0.0.1:9"}`)}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if _, err = functions[0].Run(t.Context(), json.RawMessage(`{"query":"x"}`)); err == nil || !strings.Contains(err.Error(), "not public") {
		t.Error(err)
	}
	if without := functions[0]; without.May.Words()[0] != "reaches" || !without.Untrusted || without.Host != "127.0.0.1" {
		t.Errorf("%+v", without)
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		`{}`: errNoService.Error(), `{"provider":"brave"}`: "no key for it (AGENT_KEY_WEB_SEARCH_BRAVE)", `{"provider":"searxng","url":"https://a.example"}`: "",
	} {
		functions, err := tools.Configured([]string{"web_search"}, map[string]json.RawMessage{"web_search": json.RawMessage(settings)}, func(string) string { return "" })
		if err != nil || !strings.Contains(functions[0].Unavailable, want) || want == "" && functions[0].Unavailable != "" {
			t.Errorf("%s: %q, %v", settings, functions[0].Unavailable, err)
		}
	}
	for _, settings := range []string{`{"provider":"none"}`, `{"provider":"searxng"}`, `{"provider":"brave","count":11}`, `[]`} {
		if _, err := tools.Configured([]string{"web_search"}, map[string]json.RawMessage{"web_search": json.RawMessage(settings)}, func(string) string { return "" }); err == nil {
			t.Error(settings)
		}
	}
}

func FuzzResults(f *testing.F) {
	for _, answer := range answers {
		f.Add([]byte(answer))
	}
	s := searcher{settings: settings{Count: 3, Excluded: []string{"evil.example"}}, provider: provider{Results: []string{"results"}, Snippet: "content"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		found, err := s.results(body)
		for _, each := range found {
			at, parsed := url.Parse(each.url)
			if parsed != nil || at.Hostname() == "evil.example" || len(each.url) > maxURL || strings.ContainsAny(each.title+each.url+each.snippet, "\n\x1b\u200b") {
				t.Errorf("%q", each)
			}
		}
		if err == nil && len(found) > 3 || bytes.Contains([]byte(listed(found)), []byte("\x1b")) {
			t.Errorf("%d", len(found))
		}
	})
}
