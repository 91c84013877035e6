package providers

import (
	"strings"
	"testing"
)

// The key is removed however it is split, and nothing else.
func TestSecretStream(t *testing.T) {
	t.Parallel()
	key := "sk-abc+sk-abd"
	for _, text := range []string{
		"no key", "it is " + key, key + key, "sk-abc+sk-abc+sk-abd!", "ends with sk-ab", "escaped sk-abc%2Bsk-abd!", "",
	} {
		want := strings.NewReplacer(key, redacted, "sk-abc%2Bsk-abd", redacted).Replace(text)
		for size := 1; size <= len(text)+1; size++ {
			var out strings.Builder
			write, flush := NewSecret(key).Stream(func(piece string) error {
				out.WriteString(piece)
				return nil
			})
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				_ = write(rest[:n])
				rest = rest[n:]
			}
			_ = flush()
			if out.String() != want {
				t.Errorf("%q in pieces of %d became %q", text, size, out.String())
			}
		}
	}
}

func TestShortKeysStay(t *testing.T) {
	t.Parallel()
	if got := NewSecret("none").Clean("there is none"); got != "there is none" {
		t.Errorf("got %q", got)
	}
}
