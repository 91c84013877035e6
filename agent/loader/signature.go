package loader

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Files beside a plugin: the signed statement about it, and the public key of
// the forge that signed.
const (
	ProvenanceFile = "provenance.dsse.json"
	KeyFile        = "forge.pub"
)

// KeyVariable names the environment variable with the path of a public key to
// trust in place of the one that lies beside the plugin.
const KeyVariable = "AGENTFORGE_PUBLIC_KEY"

const (
	payloadType = "application/vnd.in-toto+json"
	// Nothing that a forge writes comes near this.
	maxPaper = 4 << 20
)

// Signature says who signed for a plugin.
type Signature struct {
	// Key is the SHA-256 of the public key, KeyPath the file it was read from.
	Key, KeyPath string
	// Revision is the agent's configuration, as the signer names it.
	Revision string
}

type envelope struct {
	Payload     []byte `json:"payload"`
	PayloadType string `json:"payloadType"`
	Signatures  []struct {
		Sig []byte `json:"sig"`
	} `json:"signatures"`
}

type statement struct {
	Subject []struct {
		Name   string            `json:"name"`
		Digest map[string]string `json:"digest"`
	} `json:"subject"`
	Predicate struct {
		BuildDefinition struct {
			ExternalParameters struct {
				Revision string `json:"revision"`
			} `json:"externalParameters"`
		} `json:"buildDefinition"`
	} `json:"predicate"`
}

// CheckSignature reads the statement beside the plugin at path, checks that it
// is signed and that the plugin is what it names. The key is read from keyPath,
// or where that is empty from the file that KeyVariable names, or from the one
// beside the plugin. Without a statement that names the plugin it returns nil.
func CheckSignature(path, keyPath string) (*Signature, error) {
	directory := filepath.Dir(path)
	raw, err := readPaper(filepath.Join(directory, ProvenanceFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var signed envelope
	if err := json.Unmarshal(raw, &signed); err != nil || signed.PayloadType != payloadType {
		return nil, misfit("signature", "%s is not a signed statement", ProvenanceFile)
	}
	var told statement
	if err := json.Unmarshal(signed.Payload, &told); err != nil {
		return nil, misfit("signature", "what %s states is not readable: %v", ProvenanceFile, err)
	}
	want, named := told.digestOf(filepath.Base(path))
	if !named {
		return nil, nil
	}
	keyPath = firstOf(keyPath, os.Getenv(KeyVariable), filepath.Join(directory, KeyFile))
	key, name, err := readKey(keyPath)
	if err != nil {
		return nil, err
	}
	if !signed.isBy(key) {
		return nil, misfit("signature", "%s is not signed by the key %s", ProvenanceFile, keyPath)
	}
	got, err := sumOf(path)
	if err != nil {
		return nil, err
	}
	if got != want {
		return nil, misfit("signature", "its SHA-256 is %s, signed was %s: the file was changed; fetch it again", got, want)
	}
	return &Signature{Key: name, KeyPath: keyPath, Revision: told.Predicate.BuildDefinition.ExternalParameters.Revision}, nil
}

func (s statement) digestOf(name string) (string, bool) {
	for _, subject := range s.Subject {
		if subject.Name == name {
			return subject.Digest["sha256"], true
		}
	}
	return "", false
}

// isBy reports whether one of the signatures is the key's, over DSSE's
// pre-authentication encoding.
func (e envelope) isBy(key ed25519.PublicKey) bool {
	message := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(e.PayloadType), e.PayloadType, len(e.Payload), e.Payload)
	for _, signature := range e.Signatures {
		if ed25519.Verify(key, message, signature.Sig) {
			return true
		}
	}
	return false
}

// readKey returns a public key from a PEM file, and the SHA-256 that names it.
func readKey(path string) (ed25519.PublicKey, string, error) {
	raw, err := readPaper(path)
	if err != nil {
		return nil, "", misfit("signature", "there is no key to check it with: %v", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, "", misfit("signature", "%s is not a public key in PEM", path)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, "", misfit("signature", "%s is not an Ed25519 public key", path)
	}
	sum := sha256.Sum256(block.Bytes)
	return key, hex.EncodeToString(sum[:]), nil
}

func readPaper(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxPaper+1))
	if err == nil && len(raw) > maxPaper {
		err = fmt.Errorf("%s is larger than 4 MiB", path)
	}
	return raw, err
}

func firstOf(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
