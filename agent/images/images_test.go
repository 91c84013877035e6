package images

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	encode := base64.StdEncoding.EncodeToString
	tests := []struct{ text, mediaType, fault string }{
		{encode([]byte("\x89PNG\r\n\x1a\n…")), "image/png", ""},
		{encode([]byte("\xff\xd8\xff\xe0")), "image/jpeg", ""},
		{encode([]byte("GIF89a")), "image/gif", ""},
		{encode([]byte("RIFF....WEBPVP8 ")), "image/webp", ""},
		{encode([]byte("RIFF....WAVE")), "", "not a PNG"},
		{encode([]byte("<svg onload=alert(1)>")), "", "not a PNG"},
		{"", "", "not a PNG"},
		{"%", "", "base64"},
		{encode(append([]byte("GIF89a"), make([]byte, MaxBytes)...)), "", "larger than 5 MB"},
		{strings.Repeat("A", 8<<20), "", "larger than 5 MB"},
	}
	for _, test := range tests {
		mediaType, err := Decode(test.text)
		if mediaType != test.mediaType || (err != nil) != (test.fault != "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%.20q: %q, %v", test.text, mediaType, err)
		}
	}
}

func TestFromURL(t *testing.T) {
	t.Parallel()
	if data, err := FromURL("data:image/png;BASE64,AAAA"); err != nil || data != "AAAA" {
		t.Errorf("%q, %v", data, err)
	}
	for url, fault := range map[string]string{
		"https://example.org/a.png": "fetches no images", "data:image/png,AAAA": "base64", "data:": "base64", "file:///etc/passwd": "fetches no images",
	} {
		if _, err := FromURL(url); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func FuzzFromURL(f *testing.F) {
	f.Add("data:image/png;base64,iVBORw0KGgo=")
	f.Fuzz(func(t *testing.T, url string) {
		if data, err := FromURL(url); err == nil {
			_, _ = Decode(data)
		}
	})
}
