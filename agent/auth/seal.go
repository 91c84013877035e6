package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

var encoding = base64.RawURLEncoding

// Sealer signs what visitors store themselves, so that they cannot change it.
// It does not encrypt.
type Sealer struct{ key []byte }

// NewSealer takes a key of at least 32 hexadecimal digits. If it is empty, the
// key is random and its seals end with the process.
func NewSealer(key string) (Sealer, error) {
	if key == "" {
		random := make([]byte, 32)
		_, _ = rand.Read(random)
		return Sealer{random}, nil
	}
	decoded, err := hex.DecodeString(key)
	if err != nil || len(decoded) < 16 {
		return Sealer{}, errors.New("AGENT_STATE_KEY is not a hexadecimal number of 32 digits or more")
	}
	return Sealer{decoded}, nil
}

// Seal returns text with a signature that is valid for one purpose only.
func (s Sealer) Seal(purpose, text string) string {
	encoded := encoding.EncodeToString([]byte(text))
	return encoded + "." + s.sign(purpose, encoded)
}

// Open returns the text of a seal, or false if it was not sealed with this key
// for this purpose.
func (s Sealer) Open(purpose, sealed string) (string, bool) {
	encoded, signature, found := strings.Cut(sealed, ".")
	if !found || !hmac.Equal([]byte(signature), []byte(s.sign(purpose, encoded))) {
		return "", false
	}
	text, err := encoding.DecodeString(encoded)
	return string(text), err == nil
}

func (s Sealer) sign(purpose, text string) string {
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte(purpose + "\x00" + text))
	return encoding.EncodeToString(mac.Sum(nil))
}

// The purpose of a session's seal; it contains the password's hash, so that a
// new password ends all sessions.
const sessionPurpose = "pass"

// session proves that a visitor knew the password.
func (s Sealer) session(passwordHash string, until time.Time) string {
	return s.Seal(sessionPurpose+passwordHash, strconv.FormatInt(until.Unix(), 10))
}

func (s Sealer) checkSession(session, passwordHash string, now time.Time) error {
	text, ok := s.Open(sessionPurpose+passwordHash, session)
	until, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || now.Unix() >= until {
		return errNotSignedIn
	}
	return nil
}
