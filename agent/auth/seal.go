package auth

import (
	"encoding/base64"
	"strconv"
	"time"

	"agent.local/a0000000000000000/seal"
)

var encoding = base64.RawURLEncoding

// Sealer signs what visitors store themselves: conversations and sessions.
type Sealer struct{ seal.Sealer }

// NewSealer takes a key of at least 32 hexadecimal digits. If it is empty, the
// key is random and its seals end with the process.
func NewSealer(key string) (Sealer, error) {
	s, err := seal.New(key)
	return Sealer{s}, err
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
