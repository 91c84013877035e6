package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// unavailableProject fails every request and counts them.
func unavailableProject(t *testing.T) (*project, *atomic.Int32) {
	t.Helper()
	var count atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		count.Add(1)
		http.Error(w, "unavailable", http.StatusBadGateway)
	}))
	t.Cleanup(server.Close)
	p, err := newProject(server.URL, "anon")
	if err != nil {
		t.Fatal(err)
	}
	return p, &count
}

func newToken(t *testing.T, p *project, alg string, now time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	payload := map[string]any{
		"sub": "a", "role": "authenticated", "iss": p.url + "/auth/v1", "aud": "authenticated", "exp": now.Add(time.Hour).Unix(),
	}
	return signed(key, payload, alg)
}

func TestKeysAreNotFetchedForEachToken(t *testing.T) {
	t.Parallel()
	p, count := unavailableProject(t)
	now := time.Now()
	token := newToken(t, p, "ES256", now)
	for range 5 {
		if p.verify(t.Context(), token, "10.0.0.1", now) == nil {
			t.Fatal("an unverifiable token was accepted")
		}
	}
	if got := count.Load(); got != 1 {
		t.Errorf("%d requests", got)
	}
	_ = p.verify(t.Context(), token, "10.0.0.1", now.Add(2*keysPause))
	if got := count.Load(); got != 2 {
		t.Errorf("%d requests after the pause", got)
	}
}

func TestRemoteVerificationIsLimited(t *testing.T) {
	t.Parallel()
	p, count := unavailableProject(t)
	now := time.Now()
	token := newToken(t, p, "HS256", now)
	for range 100 {
		if p.verify(t.Context(), token, "10.0.0.1", now) == nil {
			t.Fatal("a forged token was accepted")
		}
	}
	if got := count.Load(); got != 60 {
		t.Errorf("%d requests", got)
	}
	_ = p.verify(t.Context(), token, "10.0.0.2", now)
	if got := count.Load(); got != 61 {
		t.Errorf("another address was limited: %d requests", got)
	}
}

// supabase stands in for a project: its keys and its sign-in.
func supabase(t *testing.T, key *ecdsa.PrivateKey, token *string) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/v1/.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		x, y := key.X.FillBytes(make([]byte, 32)), key.Y.FillBytes(make([]byte, 32))
		fmt.Fprintf(w, `{"keys":[{"kid":"k","kty":"EC","crv":"P-256","x":%q,"y":%q}]}`,
			encoding.EncodeToString(x), encoding.EncodeToString(y))
	})
	mux.HandleFunc("POST /auth/v1/token", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), "right") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":3600}`, *token)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func signed(key *ecdsa.PrivateKey, payload map[string]any, alg string) string {
	header, _ := json.Marshal(map[string]string{"alg": alg, "kid": "k"})
	body, _ := json.Marshal(payload)
	text := encoding.EncodeToString(header) + "." + encoding.EncodeToString(body)
	digest := sha256.Sum256([]byte(text))
	r, s, _ := ecdsa.Sign(rand.Reader, key, digest[:])
	return text + "." + encoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func TestSupabase(t *testing.T) {
	t.Parallel()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	var token string
	server := supabase(t, key, &token)
	claimsWith := func(name string, value any) map[string]any {
		payload := map[string]any{
			"sub": "u", "role": "authenticated", "aud": "authenticated",
			"iss": server.URL + "/auth/v1", "exp": time.Now().Add(time.Hour).Unix(),
		}
		payload[name] = value
		return payload
	}
	token = signed(key, claimsWith("email", "a@example.com"), "ES256")
	_, h := newGate(t, map[string]string{
		"AGENT_ACCESS": "supabase", "SUPABASE_URL": server.URL + "/", "SUPABASE_ANON_KEY": "anon",
	})
	with := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	if got := post(h, "/api/ask", `{"message":"x"}`, with(token)); got.Code != http.StatusOK {
		t.Errorf("a user: %d %s", got.Code, got.Body)
	}
	for name, bad := range map[string]string{
		"expired": signed(key, claimsWith("exp", 1), "ES256"), "anonymous": signed(key, claimsWith("role", "anon"), "ES256"),
		"foreign issuer": signed(key, claimsWith("iss", "https://elsewhere"), "ES256"), "not a token": "a.b.c",
		"foreign audience": signed(key, claimsWith("aud", "x"), "ES256"), "foreign key": signed(other, claimsWith("a", 1), "ES256"),
		"no algorithm": signed(key, claimsWith("a", 1), "none"), "HMAC": signed(key, claimsWith("a", 1), "HS256"),
	} {
		if got := post(h, "/api/ask", `{"message":"x"}`, with(bad)); got.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
	if got := post(h, "/api/session", `{"email":"a@example.com","password":"wrong"}`); got.Code != http.StatusForbidden {
		t.Errorf("a wrong password: %d", got.Code)
	}
	cookies := post(h, "/api/session", `{"email":"a@example.com","password":"right"}`).Result().Cookies()
	if len(cookies) != 1 || cookies[0].Value != token {
		t.Errorf("cookies %v", cookies)
	}
}
