package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// echoAgent answers with what it was given.
type echoAgent struct{}

func (echoAgent) Manifest() []byte { return []byte("{}") }

func (echoAgent) Handle(_ context.Context, request []byte, emit func([]byte) error) error {
	var given struct{ Messages []message }
	_ = json.Unmarshal(request, &given)
	said := make([]string, len(given.Messages))
	for i, m := range given.Messages {
		said[i] = m.Content
	}
	text, _ := json.Marshal(map[string]string{"type": "done", "text": strings.Join(said, "|")})
	return emit(text)
}

func hashOf(password string) string { return hashIn(10, password) }

func hashIn(rounds int, password string) string {
	salt := []byte("0123456789abcdef")
	made, _ := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	return fmt.Sprintf("pbkdf2:sha256:%d:%x:%x", rounds, salt, made)
}

var stateKey = hex.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

func opened(t *testing.T, environment map[string]string) (*Door, http.Handler) {
	t.Helper()
	environment["AGENT_STATE_KEY"] = stateKey
	d, err := NewDoor(reading(environment), FromPlatform)
	if err != nil {
		t.Fatal(err)
	}
	return d, d.Guard(echoAgent{}, http.HandlerFunc(accept))
}

func reading(environment map[string]string) func(string) string {
	return func(name string) string { return environment[name] }
}

func accept(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }

func post(h http.Handler, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Nf-Client-Connection-Ip", "192.0.2.7")
	for _, each := range change {
		each(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func field(w *httptest.ResponseRecorder, name string) string {
	var given map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &given)
	text, _ := given[name].(string)
	return text
}

func TestAConversationGoesOn(t *testing.T) {
	_, h := opened(t, map[string]string{})
	first := post(h, "/api/ask", `{"message":"one"}`)
	body, _ := json.Marshal(map[string]string{"message": "two", "state": field(first, "state")})
	if got := field(post(h, "/api/ask", string(body)), "text"); got != "one|one|two" {
		t.Errorf("got %q", got)
	}
	forged, _ := json.Marshal(map[string]string{"message": "two", "state": "x" + field(first, "state")})
	if got := post(h, "/api/ask", string(forged)); got.Code != http.StatusConflict {
		t.Errorf("a changed state was answered %d", got.Code)
	}
}

func TestAStateStaysShort(t *testing.T) {
	s := sealer{key: []byte("key")}
	var long []message
	for range 100 {
		long = append(long, message{"user", strings.Repeat("x", 2000)}, message{"assistant", "y"})
	}
	kept, err := s.conversation(s.state(long))
	if err != nil || len(kept) > maxTurns || kept[0].Role != "user" {
		t.Errorf("%d messages, %v", len(kept), err)
	}
}

func TestForeignPagesAndBadBodiesAreRefused(t *testing.T) {
	_, h := opened(t, map[string]string{})
	plain := func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }
	for body, want := range map[string]int{`{`: 400, `{"message":" "}`: 422} {
		if got := post(h, "/api/ask", body); got.Code != want {
			t.Errorf("%s: %d", body, got.Code)
		}
	}
	if got := post(h, "/api/ask", `{"message":"x"}`, plain); got.Code != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain: %d", got.Code)
	}
}

func TestAPasswordOpens(t *testing.T) {
	d, h := opened(t, map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD_HASH": hashOf("open sesame")})
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
	d.secret.text = hashOf("another")
	if got := post(h, "/api/ask", `{"message":"x"}`, with); got.Code != http.StatusUnauthorized {
		t.Errorf("after a new password: %d", got.Code)
	}
}

func TestAPassEnds(t *testing.T) {
	s := sealer{key: []byte("key")}
	now := time.Unix(1000, 0)
	pass := s.pass("secret", now.Add(time.Second))
	if s.checkPass(pass, "secret", now) != nil || s.checkPass(pass, "secret", now.Add(time.Second)) == nil {
		t.Error("a pass must end at its time")
	}
}

func TestAnAddressIsLimited(t *testing.T) {
	d, h := opened(t, map[string]string{})
	now := time.Unix(5000, 0)
	d.now = func() time.Time { return now }
	for range 20 {
		post(h, "/api/ask", `{"message":"x"}`)
	}
	got := post(h, "/api/ask", `{"message":"x"}`)
	if got.Code != http.StatusTooManyRequests || got.Header().Get("Retry-After") == "" {
		t.Errorf("the 21st: %d", got.Code)
	}
	other := func(r *http.Request) { r.Header.Set("X-Nf-Client-Connection-Ip", "192.0.2.8") }
	if got := post(h, "/api/ask", `{"message":"x"}`, other); got.Code != http.StatusOK {
		t.Errorf("somebody else: %d", got.Code)
	}
	now = now.Add(time.Minute)
	if got := post(h, "/api/ask", `{"message":"x"}`); got.Code != http.StatusOK {
		t.Errorf("a minute later: %d", got.Code)
	}
}

func TestAClosedSiteDoesNotOpenByMistake(t *testing.T) {
	tests := []struct {
		name        string
		environment map[string]string
		says        string
	}{
		{"misspelled", map[string]string{"AGENT_ACCESS": "pasword"}, `"pasword"`},
		{"in other letters", map[string]string{"AGENT_ACCESS": "Public"}, `"Public"`},
		{"no password", map[string]string{"AGENT_ACCESS": "password"}, "set AGENT_PASSWORD"},
		{"both passwords", map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD": "a", "AGENT_PASSWORD_HASH": hashOf("a")}, "both set"},
		{"no rounds", map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD_HASH": "pbkdf2:sha256:0:00:00"}, "AGENT_PASSWORD_HASH"},
		{"no project", map[string]string{"AGENT_ACCESS": "supabase"}, "SUPABASE_URL"},
		{"a password alone", map[string]string{"AGENT_PASSWORD": "a"}, "AGENT_ACCESS is not"},
		{"a hash alone", map[string]string{"AGENT_PASSWORD_HASH": hashOf("a")}, "AGENT_ACCESS is not"},
		{"a project alone", map[string]string{"SUPABASE_URL": "https://x.supabase.co"}, "AGENT_ACCESS is not"},
		{"a short key", map[string]string{"AGENT_STATE_KEY": "00112233"}, "AGENT_STATE_KEY"},
		{"a key that is none", map[string]string{"AGENT_STATE_KEY": "not hexadecimal but long enough"}, "AGENT_STATE_KEY"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			door, err := NewDoor(reading(test.environment), FromPlatform)
			if err == nil || door != nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, %v", door, err)
			}
		})
	}
}

func TestAPlainPasswordOpens(t *testing.T) {
	environment := map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD": "open sesame"}
	d, h := opened(t, environment)
	if got := post(h, "/api/session", `{"password":"wrong"}`); got.Code != http.StatusForbidden {
		t.Errorf("wrong: %d", got.Code)
	}
	right := post(h, "/api/session", `{"password":"open sesame"}`)
	if right.Code != http.StatusOK {
		t.Fatalf("right: %d %s", right.Code, right.Body)
	}
	_, restarted := opened(t, environment)
	with := func(r *http.Request) { r.AddCookie(right.Result().Cookies()[0]) }
	if got := post(restarted, "/api/ask", `{"message":"x"}`, with); got.Code != http.StatusOK {
		t.Errorf("after a restart: %d", got.Code)
	}
	environment["AGENT_PASSWORD"] = "another"
	_, changed := opened(t, environment)
	if got := post(changed, "/api/ask", `{"message":"x"}`, with); got.Code != http.StatusUnauthorized {
		t.Errorf("after a new password: %d", got.Code)
	}
	if strings.Contains(d.secret.text, "sesame") {
		t.Error("the password itself is kept")
	}
}

// Guesses that run side by side count like others.
func TestGuessesAreLimited(t *testing.T) {
	d, h := opened(t, map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD_HASH": hashIn(10_000, "open sesame")})
	var wrong atomic.Int32
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			r := httptest.NewRequest(http.MethodGet, "/v1/models", nil)
			r.Header.Set("Authorization", "Bearer guess")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if strings.Contains(w.Body.String(), "the password is wrong") {
				wrong.Add(1)
			}
		})
	}
	all.Wait()
	if got := int(wrong.Load()); got != d.limits.attempts.most {
		t.Errorf("%d guesses were compared", got)
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

func signed(key *ecdsa.PrivateKey, said map[string]any, alg string) string {
	header, _ := json.Marshal(map[string]string{"alg": alg, "kid": "k"})
	body, _ := json.Marshal(said)
	text := encoding.EncodeToString(header) + "." + encoding.EncodeToString(body)
	digest := sha256.Sum256([]byte(text))
	r, s, _ := ecdsa.Sign(rand.Reader, key, digest[:])
	return text + "." + encoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func TestOnlyUsersOfTheProjectGetIn(t *testing.T) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	var token string
	server := supabase(t, key, &token)
	said := func(change string, value any) map[string]any {
		found := map[string]any{
			"sub": "u", "role": "authenticated", "aud": "authenticated",
			"iss": server.URL + "/auth/v1", "exp": time.Now().Add(time.Hour).Unix(),
		}
		found[change] = value
		return found
	}
	token = signed(key, said("email", "a@example.com"), "ES256")
	_, h := opened(t, map[string]string{
		"AGENT_ACCESS": "supabase", "SUPABASE_URL": server.URL + "/", "SUPABASE_ANON_KEY": "anon",
	})
	with := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	if got := post(h, "/api/ask", `{"message":"x"}`, with(token)); got.Code != http.StatusOK {
		t.Errorf("a user: %d %s", got.Code, got.Body)
	}
	for name, bad := range map[string]string{
		"expired": signed(key, said("exp", 1), "ES256"), "anonymous": signed(key, said("role", "anon"), "ES256"),
		"foreign issuer": signed(key, said("iss", "https://elsewhere"), "ES256"), "nobody's": "a.b.c",
		"foreign audience": signed(key, said("aud", "x"), "ES256"), "foreign key": signed(other, said("a", 1), "ES256"),
		"no algorithm": signed(key, said("a", 1), "none"), "HMAC": signed(key, said("a", 1), "HS256"),
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
