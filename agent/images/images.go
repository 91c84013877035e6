// Package images checks the images that people send with a question.
package images

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Most is the largest number of images of a request, MaxBytes the largest size of one:
// what the providers have in common. MaxRequest is the largest size of a request with images.
const (
	Most       = 16
	MaxBytes   = 5 << 20
	MaxRequest = 16 << 20
)

// What is wrong with images in the wrong place.
var (
	ErrNotTaken = errors.New("this agent takes no images: its owner can allow them, with a model that does")
	ErrNotUsers = errors.New("only messages of the user have images")
)

// formats are recognized by their first bytes; nobody's word counts.
var formats = []struct {
	mediaType string
	matches   func(data []byte) bool
}{
	{"image/png", func(d []byte) bool { return bytes.HasPrefix(d, []byte("\x89PNG\r\n\x1a\n")) }},
	{"image/jpeg", func(d []byte) bool { return bytes.HasPrefix(d, []byte("\xff\xd8\xff")) }},
	{"image/gif", func(d []byte) bool {
		return bytes.HasPrefix(d, []byte("GIF87a")) || bytes.HasPrefix(d, []byte("GIF89a"))
	}},
	{"image/webp", func(d []byte) bool {
		return len(d) >= 12 && bytes.HasPrefix(d, []byte("RIFF")) && bytes.Equal(d[8:12], []byte("WEBP"))
	}},
}

// MediaTypes returns the types that agents take.
func MediaTypes() []string {
	types := make([]string, len(formats))
	for i, format := range formats {
		types[i] = format.mediaType
	}
	return types
}

// MediaType returns the type of an image, or an error that says what is wrong with it.
func MediaType(data []byte) (string, error) {
	if len(data) > MaxBytes {
		return "", fmt.Errorf("an image is larger than %d MB", MaxBytes>>20)
	}
	for _, format := range formats {
		if format.matches(data) {
			return format.mediaType, nil
		}
	}
	return "", errors.New("an image is not a PNG, JPEG, GIF or WebP file")
}

// Decode returns the type of an image in base64.
func Decode(text string) (string, error) {
	if len(text) > base64.StdEncoding.EncodedLen(MaxBytes) {
		return "", fmt.Errorf("an image is larger than %d MB", MaxBytes>>20)
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", errors.New("an image is not valid base64")
	}
	return MediaType(data)
}

// FromURL returns the base64 in a data URL. An agent fetches no other address.
func FromURL(url string) (string, error) {
	rest, isData := strings.CutPrefix(url, "data:")
	header, data, found := strings.Cut(rest, ",")
	switch {
	case !isData:
		return "", errors.New("the agent fetches no images: send them as data URLs (data:image/png;base64,…)")
	case !found || !strings.HasSuffix(strings.ToLower(header), ";base64"):
		return "", errors.New("a data URL of an image must be in base64")
	}
	return data, nil
}
