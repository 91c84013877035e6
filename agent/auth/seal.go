package auth

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// message is one message of a conversation, as the agent takes it.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// What a conversation may grow to; the oldest exchanges go first.
const (
	maxTurns = 40
	maxState = 96 << 10
)

var (
	encoding   = base64.RawURLEncoding
	errUnknown = errors.New("This conversation can't be gone on with: it was changed, or the site was. Start anew.")
)

// sealer signs what travels with the visitor, so that nobody puts words into
// the agent's mouth. It hides nothing: it is the visitor's own conversation.
type sealer struct{ key []byte }

// newSealer reads the key; without one, conversations last as long as this
// process does.
func newSealer(text string) (sealer, error) {
	if text == "" {
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		return sealer{key}, nil
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) < 16 {
		return sealer{}, errors.New("AGENT_STATE_KEY is not a hexadecimal number of 32 digits or more")
	}
	return sealer{key}, nil
}

func (s sealer) sign(purpose, text string) string {
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte(purpose + "\x00" + text))
	return encoding.EncodeToString(mac.Sum(nil))
}

func (s sealer) open(purpose, sealed string) (string, bool) {
	text, signature, found := strings.Cut(sealed, ".")
	if !found || !hmac.Equal([]byte(signature), []byte(s.sign(purpose, text))) {
		return "", false
	}
	decoded, err := encoding.DecodeString(text)
	return string(decoded), err == nil
}

func (s sealer) seal(purpose, text string) string {
	encoded := encoding.EncodeToString([]byte(text))
	return encoded + "." + s.sign(purpose, encoded)
}

// conversation returns the messages of a state, none for an empty one.
func (s sealer) conversation(state string) ([]message, error) {
	if state == "" {
		return nil, nil
	}
	text, ok := s.open("conversation", state)
	var messages []message
	if !ok || json.Unmarshal([]byte(text), &messages) != nil {
		return nil, errUnknown
	}
	return messages, nil
}

// state seals a conversation, without its oldest exchanges where it is long.
func (s sealer) state(messages []message) string {
	for {
		encoded, _ := json.Marshal(messages)
		if len(messages) <= 2 || len(messages) <= maxTurns && len(encoded) <= maxState {
			return s.seal("conversation", string(encoded))
		}
		messages = messages[2:]
	}
}

// pass is a visitor's proof that they knew the password; a new password ends it.
func (s sealer) pass(secret string, until time.Time) string {
	return s.seal("pass"+secret, strconv.FormatInt(until.Unix(), 10))
}

func (s sealer) checkPass(value, secret string, now time.Time) error {
	text, ok := s.open("pass"+secret, value)
	until, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || now.Unix() >= until {
		return errNotSignedIn
	}
	return nil
}

// passwordHash is `pbkdf2:sha256:<iterations>:<salt>:<hash>`, both in hex.
type passwordHash struct {
	text       string
	iterations int
	salt, hash []byte
}

// As many as the forge's; see OWASP on PBKDF2 with SHA-256.
const iterations = 210_000

// password returns the one that is set: as a hash, or plain.
func (s sealer) password(hash, plain string) (passwordHash, error) {
	switch {
	case hash != "" && plain != "":
		return passwordHash{}, errors.New("AGENT_PASSWORD and AGENT_PASSWORD_HASH are both set: leave one out")
	case plain != "":
		return s.hash(plain)
	case hash == "":
		return passwordHash{}, errors.New("AGENT_ACCESS is password: set AGENT_PASSWORD or AGENT_PASSWORD_HASH")
	}
	return parsePasswordHash(hash)
}

// hash makes the same hash at every start with the same key, so that a start
// signs nobody out.
func (s sealer) hash(plain string) (passwordHash, error) {
	salt := []byte(s.sign("salt", ""))[:22]
	made, err := pbkdf2.Key(sha256.New, plain, salt, iterations, sha256.Size)
	if err != nil {
		return passwordHash{}, fmt.Errorf("hash AGENT_PASSWORD: %w", err)
	}
	text := fmt.Sprintf("pbkdf2:sha256:%d:%x:%x", iterations, salt, made)
	return passwordHash{text, iterations, salt, made}, nil
}

func parsePasswordHash(text string) (passwordHash, error) {
	wrong := errors.New("AGENT_PASSWORD_HASH is not pbkdf2:sha256:<iterations>:<salt>:<hash>")
	parts := strings.Split(text, ":")
	if len(parts) != 5 || parts[0] != "pbkdf2" || parts[1] != "sha256" {
		return passwordHash{}, wrong
	}
	rounds, err := strconv.Atoi(parts[2])
	salt, err2 := hex.DecodeString(parts[3])
	hash, err3 := hex.DecodeString(parts[4])
	if errors.Join(err, err2, err3) != nil || rounds < 1 || len(hash) != sha256.Size {
		return passwordHash{}, wrong
	}
	return passwordHash{text, rounds, salt, hash}, nil
}

func (p passwordHash) matches(password string) bool {
	made, err := pbkdf2.Key(sha256.New, password, p.salt, p.iterations, sha256.Size)
	return err == nil && subtle.ConstantTimeCompare(made, p.hash) == 1
}
