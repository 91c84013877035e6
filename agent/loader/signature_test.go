package loader

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// signedPlugin writes a file, a signed statement about name and the key, and
// returns the path of the file.
func signedPlugin(t *testing.T, key ed25519.PrivateKey, name, content string) string {
	t.Helper()
	dir := t.TempDir()
	sum := sha256.Sum256([]byte("content"))
	payload := fmt.Sprintf(`{"subject":[{"name":%q,"digest":{"sha256":%q}}],"predicate":{"buildDefinition":{"externalParameters":{"revision":"r"}}}}`,
		name, hex.EncodeToString(sum[:]))
	message := fmt.Sprintf("DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
	signed, err := json.Marshal(map[string]any{
		"payloadType": payloadType, "payload": []byte(payload),
		"signatures": []any{map[string]any{"sig": ed25519.Sign(key, []byte(message))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a.so")
	write(t, path, []byte(content))
	write(t, filepath.Join(dir, ProvenanceFile), signed)
	writeKey(t, filepath.Join(dir, KeyFile), key)
	return path
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeKey(t *testing.T, path string, key ed25519.PrivateKey) {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func newKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func TestCheckSignature(t *testing.T) {
	t.Parallel()
	key := newKey(1)
	other := filepath.Join(t.TempDir(), "other.pub")
	writeKey(t, other, newKey(2))
	tests := []struct {
		name, subject, content, key string
		change                      func(t *testing.T, dir string)
		rule                        string
		unsigned                    bool
	}{
		{name: "valid", subject: "a.so", content: "content"},
		{name: "changed", subject: "a.so", content: "Content", rule: "signature"},
		{name: "another key", subject: "a.so", content: "content", key: other, rule: "signature"},
		{name: "no key", subject: "a.so", content: "content", key: other + "x", rule: "signature"},
		{name: "about another file", subject: "b.so", content: "Content", unsigned: true},
		{name: "no statement", subject: "a.so", content: "content", rule: "signature", change: func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, ProvenanceFile), []byte("{}"))
		}},
		{name: "statement changed", subject: "a.so", content: "content", rule: "signature", change: func(t *testing.T, dir string) {
			path := filepath.Join(dir, ProvenanceFile)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var signed map[string]any
			if err := json.Unmarshal(raw, &signed); err != nil {
				t.Fatal(err)
			}
			signed["payload"] = strings.Replace(signed["payload"].(string), "eyJ", "eyAg", 1)
			raw, _ = json.Marshal(signed)
			write(t, path, raw)
		}},
		{name: "no PEM", subject: "a.so", content: "content", rule: "signature", change: func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, KeyFile), []byte("key"))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := signedPlugin(t, key, test.subject, test.content)
			if test.change != nil {
				test.change(t, filepath.Dir(path))
			}
			signature, err := CheckSignature(path, test.key)
			if test.unsigned {
				if !errors.Is(err, ErrUnsigned) {
					t.Errorf("got %v", err)
				}
				return
			}
			wantRule(t, err, test.rule)
			if valid := err == nil; valid != (signature != nil) {
				t.Errorf("got %v, %v", signature, err)
			}
		})
	}
	unsigned := filepath.Join(t.TempDir(), "a.so")
	write(t, unsigned, []byte("content"))
	if signature, err := CheckSignature(unsigned, ""); signature != nil || !errors.Is(err, ErrUnsigned) {
		t.Errorf("without a statement: %v, %v", signature, err)
	}
}

func TestVerifyRequiresASignature(t *testing.T) {
	t.Parallel()
	unsigned := filepath.Join(t.TempDir(), "a.so")
	write(t, unsigned, []byte("content"))
	signed := signedPlugin(t, newKey(1), "a.so", "content")
	for want, arguments := range map[string][]string{
		"Usage":                    {},
		"beside it names it":       {unsigned},
		"key is not readable":      {signed, "--key", unsigned + "x"},
		"(format)":                 {"--key", filepath.Join(filepath.Dir(signed), KeyFile), signed},
		"is not a public key":      {"--key", signed, signed},
		"not defined: -everything": {"-everything"},
	} {
		var stdout, stderr strings.Builder
		if code := Verify("host", arguments, &stdout, &stderr); code == 0 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%v: %d %q, want %q", arguments, code, stderr.String(), want)
		}
	}
}
