package auth

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func hashOf(password string) string { return hashIn(10, password) }

func hashIn(rounds int, password string) string {
	salt := []byte("0123456789abcdef")
	hash, _ := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	return fmt.Sprintf("pbkdf2:sha256:%d:%x:%x", rounds, salt, hash)
}

var stateKey = hex.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

func newGate(t *testing.T, environment map[string]string) (*Gate, http.Handler) {
	t.Helper()
	environment["AGENT_STATE_KEY"] = stateKey
	g, err := NewGate(lookup(environment), NetlifyAddress)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
	next := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }
	return g, g.Guard(http.HandlerFunc(ask), http.HandlerFunc(next))
}

func lookup(environment map[string]string) func(string) string {
	return func(name string) string { return environment[name] }
}

func post(h http.Handler, path, body string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Nf-Client-Connection-Ip", "192.0.2.7")
	for _, change := range changes {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPassword(t *testing.T) {
	t.Parallel()
	g, h := newGate(t, map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD_HASH": hashOf("open sesame")})
	if got := post(h, "/api/ask", `{"message":"x"}`); got.Code != http.StatusUnauthorized {
		t.Errorf("without: %d", got.Code)
	}
	if got := post(h, "/api/session", `{"password":"wrong"}`); got.Code != http.StatusForbidden {
		t.Errorf("wrong: %d", got.Code)
	}
	right := post(h, "/api/session", `{"password":"open sesame"}`)
	cookie := right.Result().Cookies()[0]
	if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie %v", cookie)
	}
	with := func(r *http.Request) { r.AddCookie(cookie) }
	if got := post(h, "/v1/chat/completions", `{}`, with); got.Code != http.StatusAccepted {
		t.Errorf("with the cookie: %d", got.Code)
	}
	bearer := func(r *http.Request) { r.Header.Set("Authorization", "Bearer open sesame") }
	if got := post(h, "/v1/chat/completions", `{}`, bearer); got.Code != http.StatusAccepted {
		t.Errorf("with the bearer: %d", got.Code)
	}
	g.password.text = hashOf("another")
	if got := post(h, "/api/ask", `{"message":"x"}`, with); got.Code != http.StatusUnauthorized {
		t.Errorf("after a new password: %d", got.Code)
	}
}

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	s := Sealer{}
	now := time.Unix(1000, 0)
	session := s.session("secret", now.Add(time.Second))
	if s.checkSession(session, "secret", now) != nil || s.checkSession(session, "secret", now.Add(time.Second)) == nil {
		t.Error("a session must end at its time")
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	g, h := newGate(t, map[string]string{})
	now := time.Unix(5000, 0)
	g.now = func() time.Time { return now }
	for range 20 {
		post(h, "/api/ask", `{"message":"x"}`)
	}
	got := post(h, "/api/ask", `{"message":"x"}`)
	if got.Code != http.StatusTooManyRequests || got.Header().Get("Retry-After") == "" {
		t.Errorf("the 21st: %d", got.Code)
	}
	other := func(r *http.Request) { r.Header.Set("X-Nf-Client-Connection-Ip", "192.0.2.8") }
	if got := post(h, "/api/ask", `{"message":"x"}`, other); got.Code != http.StatusOK {
		t.Errorf("another address: %d", got.Code)
	}
	now = now.Add(time.Minute)
	if got := post(h, "/api/ask", `{"message":"x"}`); got.Code != http.StatusOK {
		t.Errorf("a minute later: %d", got.Code)
	}
}

func TestNewGateRefusesSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		environment map[string]string
		want        string
	}{
		{"misspelled", map[string]string{"AGENT_ACCESS": "pasword"}, `"pasword"`},
		{"wrong case", map[string]string{"AGENT_ACCESS": "Public"}, `"Public"`},
		{"no password", map[string]string{"AGENT_ACCESS": "password"}, "set AGENT_PASSWORD"},
		{"both passwords", map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD": "a", "AGENT_PASSWORD_HASH": hashOf("a")}, "both set"},
		{"no rounds", map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD_HASH": "pbkdf2:sha256:0:00:00"}, "AGENT_PASSWORD_HASH"},
		{"no project", map[string]string{"AGENT_ACCESS": "supabase"}, "SUPABASE_URL"},
		{"a password alone", map[string]string{"AGENT_PASSWORD": "a"}, "AGENT_ACCESS is not"},
		{"a hash alone", map[string]string{"AGENT_PASSWORD_HASH": hashOf("a")}, "AGENT_ACCESS is not"},
		{"a project alone", map[string]string{"SUPABASE_URL": "https://x.supabase.co"}, "AGENT_ACCESS is not"},
		{"a short key", map[string]string{"AGENT_STATE_KEY": "00112233"}, "AGENT_STATE_KEY"},
		{"a key that is not hexadecimal", map[string]string{"AGENT_STATE_KEY": "not hexadecimal but long enough"}, "AGENT_STATE_KEY"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			gate, err := NewGate(lookup(test.environment), NetlifyAddress)
			if err == nil || gate != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v", gate, err)
			}
		})
	}
}

func TestPlainPassword(t *testing.T) {
	t.Parallel()
	environment := map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD": "open sesame"}
	g, h := newGate(t, environment)
	if got := post(h, "/api/session", `{"password":"wrong"}`); got.Code != http.StatusForbidden {
		t.Errorf("wrong: %d", got.Code)
	}
	right := post(h, "/api/session", `{"password":"open sesame"}`)
	if right.Code != http.StatusOK {
		t.Fatalf("right: %d %s", right.Code, right.Body)
	}
	_, restarted := newGate(t, environment)
	with := func(r *http.Request) { r.AddCookie(right.Result().Cookies()[0]) }
	if got := post(restarted, "/api/ask", `{"message":"x"}`, with); got.Code != http.StatusOK {
		t.Errorf("after a restart: %d", got.Code)
	}
	environment["AGENT_PASSWORD"] = "another"
	_, changed := newGate(t, environment)
	if got := post(changed, "/api/ask", `{"message":"x"}`, with); got.Code != http.StatusUnauthorized {
		t.Errorf("after a new password: %d", got.Code)
	}
	if strings.Contains(g.password.text, "sesame") {
		t.Error("the plain password is stored")
	}
}

// Parallel guesses count like sequential ones.
func TestGuessesAreLimited(t *testing.T) {
	t.Parallel()
	g, h := newGate(t, map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD_HASH": hashIn(10_000, "open sesame")})
	var wrong atomic.Int32
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			r := httptest.NewRequest(http.MethodGet, "/v1/models", nil)
			r.Header.Set("Authorization", "Bearer guess")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if strings.Contains(w.Body.String(), "this password is wrong") {
				wrong.Add(1)
			}
		})
	}
	all.Wait()
	if got := int(wrong.Load()); got != g.limits.attempts.most {
		t.Errorf("%d guesses were checked", got)
	}
}

// A client that disconnects does not wait for its turn.
func TestPasswordCheckEndsWithItsContext(t *testing.T) {
	t.Parallel()
	g, _ := newGate(t, map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD_HASH": hashOf("open sesame")})
	g.hashing <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.checkPassword(ctx, "192.0.2.7", "open sesame"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-g.hashing
	if err := g.checkPassword(t.Context(), "192.0.2.7", "open sesame"); err != nil {
		t.Error(err)
	}
}

func TestSignInCostsNoAttempt(t *testing.T) {
	t.Parallel()
	g, h := newGate(t, map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD_HASH": hashOf("open sesame")})
	for range 2 * g.limits.attempts.most {
		if got := post(h, "/api/session", `{"password":"open sesame"}`); got.Code != http.StatusOK {
			t.Fatal(got.Code)
		}
	}
	for range g.limits.attempts.most {
		post(h, "/api/session", `{"password":"wrong"}`)
	}
	if got := post(h, "/api/session", `{"password":"open sesame"}`); got.Code != http.StatusTooManyRequests {
		t.Error(got.Code)
	}
}
