package fileserver

import (
	"net/http"
	"testing"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	rules, err := parseHeaders("# of the site\r\n/*\r\n  X-All: a\r\n\n  X-All: b\n  Content-Security-Policy: default-src 'none'; img-src data:\n\n" +
		"/files/*\n\tX-Files: yes\n/one\n  x-all: c\n/\n  X-First: yes\n")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ path, name, want string }{
		{"/", "X-All", "a, b"}, {"/", "X-First", "yes"}, {"/", "Content-Security-Policy", "default-src 'none'; img-src data:"},
		{"/one", "X-All", "c"}, {"/one/", "X-All", "a, b"}, {"/oneself", "X-All", "a, b"}, {"/one", "X-First", ""},
		{"/files/a", "X-Files", "yes"}, {"/files/", "X-Files", "yes"}, {"/files", "X-Files", ""}, {"/a/files/", "X-Files", ""},
	}
	for _, test := range tests {
		header := http.Header{}
		rules.apply(header, test.path)
		if got := header.Get(test.name); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.path, test.name, got, test.want)
		}
	}
}

func TestParseHeadersRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"X-All: a\n", "  X-All: a\n", "/*\nX-All: a\n", "/*\n  X-All\n", "/*\n  : a\n", "/*\n  X All: a\n", "/*\n  X-All: a\x00b\n", "/*\n  X-All: a\rX-B: c\n",
		"https://example.com/*\n  X-All: a\n",
	} {
		if _, err := parseHeaders(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
