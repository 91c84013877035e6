package loader

import (
	"cmp"
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
// the forge that signed it.
const (
	ProvenanceFile = "provenance.dsse.json"
	KeyFile        = "forge.pub"
)

// KeyVariable is the environment variable with the path of the public key to
// trust instead of the one beside the plugin.
const KeyVariable = "AGENTFORGE_PUBLIC_KEY"

const (
	payloadType = "application/vnd.in-toto+json"
	// Far more than any statement or key that a forge writes.
	maxFileSize = 4 << 20
)

// ErrUnsigned reports a plugin without a signed statement.
var ErrUnsigned = errors.New("no signed statement beside the plugin names it")

// Signature describes a valid signature.
type Signature struct {
	// Key is the SHA-256 of the public key, and KeyPath the file with that key.
	Key, KeyPath string
	// Revision is the SHA-256 of the agent's configuration, by the statement.
	Revision string
}

// envelope is DSSE's: https://github.com/secure-systems-lab/dsse
type envelope struct {
	Payload     []byte `json:"payload"`
	PayloadType string `json:"payloadType"`
	Signatures  []struct {
		Sig []byte `json:"sig"`
	} `json:"signatures"`
}

// statement is the part of an in-toto statement, with SLSA provenance, that is
// checked or shown.
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

// CheckSignature checks that the statement beside the plugin at path is signed
// and that the plugin has the digest in it. The key is read from keyPath, else
// from the file that KeyVariable names, else from KeyFile beside the plugin. It
// returns ErrUnsigned if there is no statement that names the plugin, and a
// *MismatchError if the signature or the digest is wrong.
func CheckSignature(path, keyPath string) (*Signature, error) {
	directory := filepath.Dir(path)
	raw, err := readFile(filepath.Join(directory, ProvenanceFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrUnsigned
	}
	if err != nil {
		return nil, err
	}
	var signed envelope
	if err := json.Unmarshal(raw, &signed); err != nil || signed.PayloadType != payloadType {
		return nil, mismatch("signature", "%s is not a signed statement", ProvenanceFile)
	}
	var stmt statement
	if err := json.Unmarshal(signed.Payload, &stmt); err != nil {
		return nil, mismatch("signature", "the statement in %s is not readable: %v", ProvenanceFile, err)
	}
	want, named := stmt.digestOf(filepath.Base(path))
	if !named {
		return nil, ErrUnsigned
	}
	keyPath = cmp.Or(keyPath, os.Getenv(KeyVariable), filepath.Join(directory, KeyFile))
	key, name, err := readKey(keyPath)
	if err != nil {
		return nil, err
	}
	if !signed.isSignedBy(key) {
		return nil, mismatch("signature", "%s is not signed by the key %s", ProvenanceFile, keyPath)
	}
	got, err := sumOf(path)
	if err != nil {
		return nil, err
	}
	if got != want {
		return nil, mismatch("signature", "its SHA-256 is %s, the signed one is %s: the file was changed; download it again", got, want)
	}
	return &Signature{Key: name, KeyPath: keyPath, Revision: stmt.Predicate.BuildDefinition.ExternalParameters.Revision}, nil
}

// digestOf returns the SHA-256 that the statement gives for a file name.
func (s statement) digestOf(name string) (string, bool) {
	for _, subject := range s.Subject {
		if subject.Name == name {
			return subject.Digest["sha256"], true
		}
	}
	return "", false
}

// isSignedBy reports whether one of the signatures is the key's. DSSE signs
// the pre-authentication encoding of the payload.
func (e envelope) isSignedBy(key ed25519.PublicKey) bool {
	message := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(e.PayloadType), e.PayloadType, len(e.Payload), e.Payload)
	for _, signature := range e.Signatures {
		if ed25519.Verify(key, message, signature.Sig) {
			return true
		}
	}
	return false
}

// readKey returns the public key in a PEM file and its SHA-256.
func readKey(path string) (ed25519.PublicKey, string, error) {
	raw, err := readFile(path)
	if err != nil {
		return nil, "", mismatch("signature", "the public key is not readable: %v", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, "", mismatch("signature", "%s is not a public key in PEM", path)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, "", mismatch("signature", "%s is not an Ed25519 public key", path)
	}
	sum := sha256.Sum256(block.Bytes)
	return key, hex.EncodeToString(sum[:]), nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err == nil && len(raw) > maxFileSize {
		err = fmt.Errorf("%s is larger than 4 MiB", path)
	}
	return raw, err
}
