package blobs

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func serve(t *testing.T, answer func(http.ResponseWriter, *http.Request)) Store {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(server.Close)
	return Open(Access{EdgeURL: server.URL, SiteID: "s", Token: "secret-token"}, "x", server.Client())
}

func TestCreate(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{200: "true", 201: "true", 412: "false", 504: "status 504", 403: "status 403", 302: "status 302"} {
		store := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/s/site:x/a-b" || r.Header.Get("If-None-Match") != "*" || r.Header.Get("Authorization") != "Bearer secret-token" {
				t.Errorf("%s %v", r.URL, r.Header)
			}
			w.WriteHeader(status)
		})
		created, err := store.Create(t.Context(), "a-b")
		got := map[bool]string{true: "true", false: "false"}[created]
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || err != nil && created {
			t.Errorf("%d: %v, %v", status, created, err)
		}
	}
}

// A page that Blobs send to instead, such as that of a sign-in, is no blob that was written;
// another place that gets the same request may know the blob.
func TestCreateElsewhere(t *testing.T) {
	t.Parallel()
	for status, isSame := range map[int]bool{301: false, 302: false, 303: false, 307: true, 308: true} {
		store := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/elsewhere" {
				http.Redirect(w, r, "/elsewhere", status)
			} else if r.Method == http.MethodPut && r.Header.Get("If-None-Match") == "*" {
				w.WriteHeader(http.StatusPreconditionFailed)
			}
		})
		if created, err := store.Create(t.Context(), "a"); created || isSame != (err == nil) {
			t.Errorf("%d: %v, %v", status, created, err)
		}
	}
	around := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
	})
	if created, err := around.Create(t.Context(), "a"); created || err == nil {
		t.Errorf("around: %v, %v", created, err)
	}
}

// What an error says names no address, which may be signed, and no token.
func TestErrorsNameNoSecret(t *testing.T) {
	t.Parallel()
	store := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	store.access.APIURL, store.access.EdgeURL = store.access.EdgeURL, ""
	_, err := store.Create(t.Context(), "a")
	if err == nil || strings.Contains(err.Error(), "http:") || strings.Contains(err.Error(), "secret-token") {
		t.Error(err)
	}
	if _, err = store.Keys(t.Context()); err == nil {
		t.Error("no error")
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	body := `{"blobs":[{"key":"a"},{"key":"b"}],"next_cursor":"c"}`
	store := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	if keys, err := store.Keys(t.Context()); err != nil || strings.Join(keys, " ") != "a b" {
		t.Errorf("%v, %v", keys, err)
	}
	body = "<html>"
	if _, err := store.Keys(t.Context()); err == nil || !strings.Contains(err.Error(), "JSON") {
		t.Error(err)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"url":"https://edge.example","token":"t"}`: true,
		`{"url":"https://edge.example"}`:             false,
		`{"token":"t"}`:                              false,
		`[]`:                                         false,
		``:                                           false,
	} {
		if access, ok := InEvent(base64.StdEncoding.EncodeToString([]byte(text)), "s"); ok != want || ok && access.EdgeURL == "" {
			t.Errorf("%s: %v", text, access)
		}
		if _, ok := InEvent(base64.RawURLEncoding.EncodeToString([]byte(text)), ""); ok {
			t.Errorf("%s: without a site", text)
		}
	}
	if _, ok := InEnvironment(func(string) string { return "not base64" }); ok {
		t.Error("an access from nothing")
	}
}
