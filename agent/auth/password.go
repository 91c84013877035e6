package auth

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The number that the forge uses; OWASP recommends it for PBKDF2 with SHA-256.
const iterations = 210_000

var errWrongPassword = errors.New("this password is wrong")

// passwordHash is "pbkdf2:sha256:<iterations>:<salt>:<hash>", salt and hash in
// hexadecimal.
type passwordHash struct {
	text       string
	iterations int
	salt, hash []byte
}

// password returns the hash of the site's password, which is set as a hash or
// in plain text.
func (s Sealer) password(hash, plain string) (passwordHash, error) {
	switch {
	case hash != "" && plain != "":
		return passwordHash{}, errors.New("AGENT_PASSWORD and AGENT_PASSWORD_HASH are both set: remove one")
	case plain != "":
		return s.hash(plain)
	case hash == "":
		return passwordHash{}, errors.New("AGENT_ACCESS is password: set AGENT_PASSWORD or AGENT_PASSWORD_HASH")
	}
	return parsePasswordHash(hash)
}

// hash derives the salt from the key: with the same key, a restart produces the
// same hash and ends no session.
func (s Sealer) hash(plain string) (passwordHash, error) {
	salt := []byte(s.Sign("salt", ""))[:22]
	hash, err := pbkdf2.Key(sha256.New, plain, salt, iterations, sha256.Size)
	if err != nil {
		return passwordHash{}, fmt.Errorf("hash AGENT_PASSWORD: %w", err)
	}
	text := fmt.Sprintf("pbkdf2:sha256:%d:%x:%x", iterations, salt, hash)
	return passwordHash{text, iterations, salt, hash}, nil
}

func parsePasswordHash(text string) (passwordHash, error) {
	errFormat := errors.New("AGENT_PASSWORD_HASH is not pbkdf2:sha256:<iterations>:<salt>:<hash>")
	parts := strings.Split(text, ":")
	if len(parts) != 5 || parts[0] != "pbkdf2" || parts[1] != "sha256" {
		return passwordHash{}, errFormat
	}
	rounds, err1 := strconv.Atoi(parts[2])
	salt, err2 := hex.DecodeString(parts[3])
	hash, err3 := hex.DecodeString(parts[4])
	if errors.Join(err1, err2, err3) != nil || rounds < 1 || len(hash) != sha256.Size {
		return passwordHash{}, errFormat
	}
	return passwordHash{text, rounds, salt, hash}, nil
}

func (p passwordHash) matches(password string) bool {
	hash, err := pbkdf2.Key(sha256.New, password, p.salt, p.iterations, sha256.Size)
	return err == nil && subtle.ConstantTimeCompare(hash, p.hash) == 1
}
