package providers

import (
	"net/url"
	"strings"
)

// Shorter keys are placeholders such as "none", and blotting them out would
// mangle ordinary words.
const minSecret = 8

const blot = "[key removed]"

// Secret removes a key from texts, in case a server quotes it back.
type Secret struct {
	forms    []string
	replacer *strings.Replacer
}

// NewSecret returns a Secret for key, which may be empty.
func NewSecret(key string) Secret {
	if len(key) < minSecret {
		return Secret{replacer: strings.NewReplacer()}
	}
	forms := []string{key}
	if escaped := url.QueryEscape(key); escaped != key {
		forms = append(forms, escaped)
	}
	var pairs []string
	for _, form := range forms {
		pairs = append(pairs, form, blot)
	}
	return Secret{forms: forms, replacer: strings.NewReplacer(pairs...)}
}

// Clean returns text without the key.
func (s Secret) Clean(text string) string { return s.replacer.Replace(text) }

// Stream wraps emit so that the key is removed even where it arrives in
// pieces: a tail that could begin the key waits for the next piece. Call flush
// at the end of the stream.
func (s Secret) Stream(emit func(string) error) (write func(string) error, flush func() error) {
	held := ""
	send := func(text string) error {
		if text == "" {
			return nil
		}
		return emit(text)
	}
	write = func(piece string) error {
		text := s.Clean(held + piece)
		cut := len(text) - s.suspicious(text)
		held = text[cut:]
		return send(text[:cut])
	}
	flush = func() error {
		rest := held
		held = ""
		return send(rest)
	}
	return write, flush
}

// suspicious returns the length of the longest tail of text that is a
// beginning of the key.
func (s Secret) suspicious(text string) int {
	longest := 0
	for _, form := range s.forms {
		for n := min(len(form)-1, len(text)); n > longest; n-- {
			if strings.HasSuffix(text, form[:n]) {
				longest = n
			}
		}
	}
	return longest
}
