package api

import (
	"context"
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

// Examples of the specification: https://spec.openapis.org/oas/v3.1.1#style-examples
func TestStyles(t *testing.T) {
	t.Parallel()
	const list, fields = `["blue","black","brown"]`, `{"R":100,"G":200,"B":150}`
	tests := []struct{ place, style, explode, value, want string }{
		{"path", "simple", "", `"blue"`, "/blue"},
		{"path", "simple", "", list, "/blue,black,brown"},
		{"path", "simple", "", fields, "/R,100,G,200,B,150"},
		{"path", "simple", "x", fields, "/R=100,G=200,B=150"},
		{"path", "label", "", list, "/.blue,black,brown"},
		{"path", "label", "x", list, "/.blue.black.brown"},
		{"path", "label", "x", fields, "/.R=100.G=200.B=150"},
		{"path", "matrix", "", list, "/;color=blue,black,brown"},
		{"path", "matrix", "x", list, "/;color=blue;color=black;color=brown"},
		{"path", "matrix", "x", fields, "/;R=100;G=200;B=150"},
		{"path", "simple", "", `"../a/b?c=d#e f"`, "/..%2Fa%2Fb%3Fc=d%23e%20f"},
		{"path", "simple", "", `["a,b","c/d"]`, "/a%2Cb,c%2Fd"},
		{"path", "simple", "x", `{"a=b":"c,d"}`, "/a=b=c%2Cd"},
		{"path", "matrix", "x", `"a;b"`, "/;color=a%3Bb"},
		{"path", "matrix", "x", `[]`, "color is needed, and can't be empty or dots"},
		{"query", "form", "", `["a,b","c"]`, "/?color=a%2Cb,c"},
		{"query", "form", "", `"a\u0000b"`, "/?color=a%00b"},
		{"query", "json", "", `{"a":["<",1.0,true,null,{}],"b":[]}`, "/?color=" + url.QueryEscape(`{"a":["\u003c",1.0,true,null,{}],"b":[]}`)},
		{"query", "form", "x", `"blue & green"`, "/?color=blue+%26+green"},
		{"query", "form", "x", list, "/?color=blue&color=black&color=brown"},
		{"query", "form", "", list, "/?color=blue,black,brown"},
		{"query", "form", "", fields, "/?color=R,100,G,200,B,150"},
		{"query", "form", "x", fields, "/?R=100&G=200&B=150"},
		{"query", "form", "x", `true`, "/?color=true"},
		{"query", "form", "x", `12345678901234567890`, "/?color=12345678901234567890"},
		{"query", "form", "x", `null`, "/"},
		{"query", "spaceDelimited", "", list, "/?color=blue%20black%20brown"},
		{"query", "pipeDelimited", "", list, "/?color=blue%7Cblack%7Cbrown"},
		{"query", "deepObject", "x", fields, "/?color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"},
		{"query", "json", "", fields, "/?color=%7B%22R%22%3A100%2C%22G%22%3A200%2C%22B%22%3A150%7D"},
		{"path", "simple", "", `".."`, "color is needed, and can't be empty or dots"},
		{"path", "simple", "", `""`, "color is needed, and can't be empty or dots"},
		{"path", "simple", "", `null`, "color is needed, and can't be empty or dots"},
	}
	base, _ := url.Parse("https://api.example/v1/")
	for _, test := range tests {
		path := "/"
		if test.place == "path" {
			path = "/{color}"
		}
		o := operation{Method: "GET", Path: path, Parameters: []parameter{{"color", test.place, "color", test.style, test.explode != ""}}}
		request, err := o.request(t.Context(), base, json.RawMessage(`{"color":`+test.value+`}`))
		got := fmt.Sprint(err)
		if err == nil {
			got = strings.TrimPrefix(request.URL.String(), "https://api.example/v1")
		}
		if got != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
}

// echo answers with what it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/v1/away":
		http.Redirect(w, r, "http://example.org/", http.StatusFound)
	case "/v1/wrong":
		http.Error(w, "secret is wrong", http.StatusForbidden)
	case "/v1/bad":
		http.Error(w, "no such pet", http.StatusNotFound)
	case "/v1/big":
		_, _ = w.Write(make([]byte, maxBody+1))
	case "/v1/bytes":
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write([]byte{0xff, 0xfe})
	case "/v1/nothing":
		w.WriteHeader(http.StatusNoContent)
	default:
		_, _ = fmt.Fprintf(w, "%s %s %s %s %s %s", r.Method, r.URL, r.Header.Get("Authorization"), r.Header.Get("X-Key"), r.Header.Get("Content-Type"), body)
	}
}

// called returns the result of a call of an operation, or its error.
func called(t *testing.T, auth, operation, arguments string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()
	settings := fmt.Sprintf(`{"services":[{"name":"pets","url":"%s/v1"%s,"operations":[%s]}]}`, server.URL, auth, operation)
	functions, err := tools.Configured([]string{"api"}, map[string]json.RawMessage{"api": json.RawMessage(settings)}, func(name string) string {
		return map[string]string{outbound.PrivateHostsEnv: "127.0.0.1", "AGENT_KEY_API_PETS": "user:secret"}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := functions[0].Run(context.Background(), json.RawMessage(arguments))
	if err != nil {
		return "error: " + err.Error()
	}
	return text
}

func TestHiddenWordsAreRemoved(t *testing.T) {
	t.Parallel()
	o := operation{Description: "Ge\u200bts.", Schema: json.RawMessage(`{"description":"A \u202equery"}`)}
	got, err := o.tool(&outbound.Service{Base: &url.URL{}})
	if err != nil || got.Description != "Gets." || string(got.Schema) != `{"description":"A query"}` {
		t.Errorf("%q %s %v", got.Description, got.Schema, err)
	}
}

const get = `{"function":"api_pets_get","method":"GET","path":"%s","schema":{},"reads":true}`

func TestAnswers(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/away": "error: the service answered 302 Found: it redirects to another address, which is not followed", "/bad": "error: the service answered 404 Not Found\nno such pet",
		"/big": "error: the answer is larger than 4 MB; ask for less", "/bytes": "[2 bytes of the type image/png, not shown]", "/nothing": "204 No Content",
	} {
		if got := called(t, "", fmt.Sprintf(get, path), `{}`); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for auth, want := range map[string]string{
		`{"kind":"bearer"}`:                "GET /v1/x Bearer [key removed]   ",
		`{"kind":"basic"}`:                 "GET /v1/x Basic [key removed]   ",
		`{"kind":"header","name":"X-Key"}`: "GET /v1/x  [key removed]  ",
		`{"kind":"query","name":"key"}`:    "GET /v1/x?key=[key removed]   ",
	} {
		if got := called(t, `,"auth":`+auth, fmt.Sprintf(get, "/x"), `{}`); got != strings.TrimSpace(want) {
			t.Errorf("%s: %q", auth, got)
		}
	}
}

// A service may repeat the password without the user's name.
func TestPasswordIsConcealed(t *testing.T) {
	t.Parallel()
	want := "error: the service answered 403 Forbidden\n[key removed] is wrong"
	if got := called(t, `,"auth":{"kind":"basic"}`, fmt.Sprintf(get, "/wrong"), `{}`); got != want {
		t.Errorf("%q", got)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	const post = `{"function":"api_pets_add","method":"POST","path":"/pets","schema":{},"body":"%s"}`
	arguments := `{"body":{"name":"Rex & co","tags":["a","b"],"owner":{"id":1}}}`
	json := `POST /v1/pets   application/json {"name":"Rex & co","tags":["a","b"],"owner":{"id":1}}`
	if got := called(t, "", fmt.Sprintf(post, "json"), arguments); got != json {
		t.Error(got)
	}
	form := "POST /v1/pets   application/x-www-form-urlencoded name=Rex+%26+co&tags=a&tags=b&owner=%7B%22id%22%3A1%7D"
	if got := called(t, "", fmt.Sprintf(post, "form"), arguments); got != form {
		t.Error(got)
	}
	if got := called(t, "", fmt.Sprintf(post, "form"), `{"body":[1]}`); got != "error: body is not an object" {
		t.Error(got)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(`{"color":["a",{"b":1}]}`, "form", true)
	f.Add(`{"color":"..%2f@evil.example"}`, "label", false)
	base, _ := url.Parse("https://api.example/v1")
	f.Fuzz(func(t *testing.T, arguments, style string, explode bool) {
		for _, place := range []string{"query", "path"} {
			o := operation{Method: "GET", Path: "/{color}", Parameters: []parameter{{"color", place, "color", style, explode}}}
			request, err := o.request(t.Context(), base, json.RawMessage(arguments))
			if err == nil && (request.URL.Host != "api.example" || !strings.HasPrefix(request.URL.EscapedPath(), "/v1/")) {
				t.Errorf("%s leads to %s", arguments, request.URL)
			}
		}
	})
}
