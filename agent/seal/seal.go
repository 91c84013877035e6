// Package seal signs what others store for the agent, so that they cannot change it.
package seal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

const (
	// KeyEnv is the variable with the key of New.
	KeyEnv = "AGENT_STATE_KEY"
	// OneAnswerEnv is set in a program that ends with its answer: who sends what it sealed
	// to the next one keeps that it did.
	OneAnswerEnv = "AGENT_ONE_ANSWER"
)

var encoding = base64.RawURLEncoding

// Sealer signs texts. It does not encrypt them.
type Sealer struct{ key []byte }

// New takes a key of at least 32 hexadecimal digits. If it is empty, the key is
// random and its seals end with the process.
func New(key string) (Sealer, error) {
	if key == "" {
		key = NewKey()
	}
	decoded, err := hex.DecodeString(key)
	if err != nil || len(decoded) < 16 {
		return Sealer{}, errors.New(KeyEnv + " is not a hexadecimal number of 32 digits or more")
	}
	return Sealer{decoded}, nil
}

// NewKey returns a random key for New.
func NewKey() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	return hex.EncodeToString(random)
}

// Seal returns text with a signature that is valid for one purpose only.
func (s Sealer) Seal(purpose, text string) string {
	encoded := encoding.EncodeToString([]byte(text))
	return encoded + "." + s.Sign(purpose, encoded)
}

// Open returns the text of a seal, or false if it was not sealed with this key
// for this purpose.
func (s Sealer) Open(purpose, sealed string) (string, bool) {
	encoded, signature, found := strings.Cut(sealed, ".")
	if !found || !hmac.Equal([]byte(signature), []byte(s.Sign(purpose, encoded))) {
		return "", false
	}
	text, err := encoding.DecodeString(encoded)
	return string(text), err == nil
}

// Sign returns the signature of text for one purpose.
func (s Sealer) Sign(purpose, text string) string {
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte(purpose + "\x00" + text))
	return encoding.EncodeToString(mac.Sum(nil))
}
