package outbound

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestIsPublic(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "64:ff9b::808:808": true, "2002:808:808::": true, "::ffff:8.8.8.8": true,
		"0.0.0.0": false, "10.1.2.3": false, "100.64.0.1": false, "100.100.100.200": false, "127.0.0.1": false,
		"169.254.169.254": false, "172.31.0.1": false, "192.0.0.1": false, "192.0.2.1": false, "192.88.99.1": false,
		"192.168.1.1": false, "198.19.0.1": false, "198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false,
		"255.255.255.255": false, "168.63.129.16": false, "::": false, "::1": false, "::ffff:127.0.0.1": false,
		"::127.0.0.1": false, "64:ff9b::7f00:1": false, "64:ff9b:1::1": false, "2002:7f00:1::": false, "2001::1": false,
		"fc00::1": false, "fd00:ec2::254": false, "fe80::1": false, "fe80::1%eth0": false, "2606:4700::1111%eth0": false,
		"fec0::1": false, "ff02::1": false, "2001:db8::1": false,
	} {
		if got := IsPublic(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func client(t *testing.T, private string, hosts ...string) *Client {
	t.Helper()
	c, err := New(hosts, func(name string) string { return map[string]string{PrivateHostsEnv: private}[name] })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCheck(t *testing.T) {
	t.Parallel()
	c := client(t, "", "a.example", "*.b.example", "c.example:8443", "127.0.0.1", "xn--bcher-kva.example")
	for text, want := range map[string]string{
		"https://a.example":               "https://a.example",
		" HTTP://A.Example.:80/x?y=1#z ":  "http://a.example/x?y=1",
		"https://x.y.b.example/":          "https://x.y.b.example/",
		"https://c.example:8443/":         "https://c.example:8443/",
		"https://b.example/":              "",
		"https://xb.example/":             "",
		"https://a.example.evil/":         "",
		"https://a.example:8080/":         "",
		"https://c.example/":              "",
		"https://a.example@evil/":         "",
		"https://evil\\@a.example/":       "",
		"https://user:p@a.example/":       "",
		"ftp://a.example/":                "",
		"file:///etc/passwd":              "",
		"https:a.example":                 "",
		"//a.example/":                    "",
		"a.example":                       "",
		"http://127.1/":                   "",
		"http://2130706433/":              "",
		"http://0x7f000001/":              "",
		"https://а.example/":              "",
		"https://Bücher.example/":         "https://xn--bcher-kva.example/",
		"https://bu\u0308cher.example:8/": "",
		"https://a\u00ad.example/":        "https://a.example/",
		"https://\ufffd.example/":         "",
		"":                                "",
	} {
		got := ""
		if u, err := c.Check(text); err == nil {
			got = u.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestHostsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"", "*", "*.", "https://a.example", "a.example/x", "a b", "A.example", "*a.example", "a.*.example", "a.example:x"} {
		if _, err := New([]string{host}, func(string) string { return "" }); err == nil {
			t.Errorf("%q", host)
		}
	}
}

func get(t *testing.T, c *Client, address string) (string, error) {
	t.Helper()
	u, err := c.Check(address)
	if err != nil {
		return "", err
	}
	response, err := c.Get(context.Background(), u, "*/*")
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// The address that is dialled is judged, by name or number.
func TestDialledAddress(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.UserAgent()+r.Referer())
	}))
	defer server.Close()
	// A proxy of the environment would be dialled in place of the host.
	t.Setenv("HTTP_PROXY", server.URL)
	at, _ := url.Parse(server.URL)
	byName := "localhost:" + at.Port()
	for _, host := range []string{at.Host, byName} {
		if text, err := get(t, client(t, "", host), "http://"+host); err == nil || !strings.Contains(err.Error(), "not public") {
			t.Errorf("%s: %q, %v", host, text, err)
		}
	}
	if text, err := get(t, client(t, "other, LOCALHOST", byName), "http://"+byName); text != UserAgent || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, _ := url.Parse(server.URL)
		switch r.URL.Path {
		case "/here":
			http.Redirect(w, r, "/page", http.StatusFound)
		case "/elsewhere":
			http.Redirect(w, r, "http://localhost:"+at.Port()+"/page", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/user":
			http.Redirect(w, r, "http://user@"+at.Host+"/page", http.StatusFound)
		case "/forever":
			http.Redirect(w, r, "/forever", http.StatusFound)
		default:
			_, _ = io.WriteString(w, "page"+r.Referer())
		}
	}))
	t.Cleanup(server.Close)
	at, _ := url.Parse(server.URL)
	c := client(t, "127.0.0.1,localhost", at.Host)
	if text, err := get(t, c, server.URL+"/here"); text != "page" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	for path, want := range map[string]string{"/elsewhere": "not one of the hosts", "/file": "", "/user": "user name", "/forever": "too many"} {
		if text, err := get(t, c, server.URL+path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
}
