package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// away is a project that answers nothing but failures, and counts them.
func away(t *testing.T) (*project, *atomic.Int32) {
	t.Helper()
	var count atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		count.Add(1)
		http.Error(w, "away", http.StatusBadGateway)
	}))
	t.Cleanup(server.Close)
	p, err := newProject(server.URL, "anon")
	if err != nil {
		t.Fatal(err)
	}
	return p, &count
}

func brought(t *testing.T, p *project, alg string, now time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]any{
		"sub": "a", "role": "authenticated", "iss": p.url + "/auth/v1", "aud": "authenticated", "exp": now.Add(time.Hour).Unix(),
	}
	return signed(key, said, alg)
}

func TestAProjectThatIsAwayIsNotAskedForEachToken(t *testing.T) {
	p, count := away(t)
	now := time.Now()
	token := brought(t, p, "ES256", now)
	for range 5 {
		if p.verify(t.Context(), token, "10.0.0.1", now) == nil {
			t.Fatal("a token was taken that nobody could check")
		}
	}
	if got := count.Load(); got != 1 {
		t.Errorf("asked %d times", got)
	}
	_ = p.verify(t.Context(), token, "10.0.0.1", now.Add(2*keysPause))
	if got := count.Load(); got != 2 {
		t.Errorf("asked %d times after the pause", got)
	}
}

func TestForgedTokensDoNotKeepTheProjectBusy(t *testing.T) {
	p, count := away(t)
	now := time.Now()
	token := brought(t, p, "HS256", now)
	for range 100 {
		if p.verify(t.Context(), token, "10.0.0.1", now) == nil {
			t.Fatal("a forged token was taken")
		}
	}
	if got := count.Load(); got != 60 {
		t.Errorf("asked %d times", got)
	}
	_ = p.verify(t.Context(), token, "10.0.0.2", now)
	if got := count.Load(); got != 61 {
		t.Errorf("another address was not let through: %d", got)
	}
}

func TestWhoKnowsThePasswordUsesNoAttempts(t *testing.T) {
	d, h := opened(t, map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD_HASH": hashOf("open sesame")})
	for range 2 * d.limits.attempts.most {
		if got := post(h, "/api/session", `{"password":"open sesame"}`); got.Code != http.StatusOK {
			t.Fatal(got.Code)
		}
	}
	for range d.limits.attempts.most {
		post(h, "/api/session", `{"password":"wrong"}`)
	}
	if got := post(h, "/api/session", `{"password":"open sesame"}`); got.Code != http.StatusTooManyRequests {
		t.Error(got.Code)
	}
}
