package providers

import (
	"net/url"
	"strings"
)

// Shorter keys are placeholders such as "none"; removing them would garble
// ordinary words.
const minSecret = 8

const redacted = "[key removed]"

// Secret removes a key from texts, in case a server repeats it.
type Secret struct {
	forms    []string
	replacer *strings.Replacer
}

// NewSecret returns the Secret of a key, which may be empty.
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
		pairs = append(pairs, form, redacted)
	}
	return Secret{forms: forms, replacer: strings.NewReplacer(pairs...)}
}

// Clean replaces the key in text.
func (s Secret) Clean(text string) string { return s.replacer.Replace(text) }

// Stream wraps emit and removes the key even if it arrives in pieces: write holds
// back a tail that may be the beginning of the key. Call flush at the end.
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
		cut := len(text) - s.partialMatch(text)
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

// partialMatch returns the length of the longest tail of text that is a beginning
// of the key.
func (s Secret) partialMatch(text string) int {
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
