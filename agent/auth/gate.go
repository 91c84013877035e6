// Package auth controls the access to the agent of a site: who may use it, and
// how often. It stores nothing: a visitor's session is in their cookie.
package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"agent.local/a0000000000000000/httpapi"
)

// AccessEnv is the variable that says who may use the agent.
const AccessEnv = "AGENT_ACCESS"

// The values of AccessEnv.
const (
	accessPublic   = "public"
	accessPassword = "password"
	accessSupabase = "supabase"
)

const (
	// The prefix __Host- restricts a cookie to this host, over TLS.
	cookieName    = "__Host-agent"
	sessionLength = 12 * time.Hour
	// What Netlify's functions take at most.
	maxBody   = 6 << 20
	maxSignIn = 256 << 10
)

// Gate admits requests by their cookie or bearer token, and limits their rate.
type Gate struct {
	access   string
	sealer   Sealer
	password passwordHash
	project  *project
	limits   limits
	address  ClientAddress
	now      func() time.Time
	// hashing has one slot: bearer passwords are checked one at a time, since each
	// check costs much CPU time, and parallel guesses would outrun the limit.
	hashing chan struct{}
}

// NewGate reads the settings from the environment. It refuses settings that it
// does not understand or that contradict each other: a typing error must not
// open a closed site.
func NewGate(env func(string) string, address ClientAddress) (*Gate, error) {
	g := &Gate{access: env(AccessEnv), limits: newLimits(), address: address, now: time.Now, hashing: make(chan struct{}, 1)}
	var err error
	if g.sealer, err = NewSealer(env("AGENT_STATE_KEY")); err != nil {
		return nil, err
	}
	switch g.access {
	case "":
		g.access, err = accessPublic, requireNoCredentials(env)
	case accessPublic:
	case accessPassword:
		g.password, err = g.sealer.password(env("AGENT_PASSWORD_HASH"), env("AGENT_PASSWORD"))
	case accessSupabase:
		g.project, err = newProject(env("SUPABASE_URL"), env("SUPABASE_ANON_KEY"))
	default:
		err = fmt.Errorf("AGENT_ACCESS is %q; use public, password or supabase", g.access)
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

// requireNoCredentials returns an error if a setting is present that only a
// closed site has.
func requireNoCredentials(env func(string) string) error {
	for _, name := range []string{"AGENT_PASSWORD", "AGENT_PASSWORD_HASH", "SUPABASE_URL"} {
		if env(name) != "" {
			return fmt.Errorf("%s is set and AGENT_ACCESS is not: set it to public, password or supabase", name)
		}
	}
	return nil
}

// Access returns who may use the agent: public, password or supabase.
func (g *Gate) Access() string { return g.access }

// Sealer returns the sealer with the site's key.
func (g *Gate) Sealer() Sealer { return g.sealer }

// Guard serves the sign-in at /api/session. It passes admitted requests on: to
// ask those for POST /api/ask, to next all others.
func (g *Gate) Guard(ask, next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/session", g.showSession)
	mux.HandleFunc("POST /api/session", g.openSession)
	mux.Handle("POST /api/ask", g.admit(ask))
	mux.Handle("/", g.admit(next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		mux.ServeHTTP(w, r)
	})
}

func (g *Gate) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if wait := g.limits.questions.take(g.address(r), g.now()); wait > 0 {
				writeTooMany(w, wait)
				return
			}
		}
		if err := g.authenticate(r); err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			httpapi.WriteError(w, http.StatusUnauthorized, "unauthorized", err.Error())
			return
		}
		next.ServeHTTP(w, r)
	})
}

var errNotSignedIn = errors.New("sign in first, or send Authorization: Bearer")

// authenticate returns why a request is not admitted, or nil.
func (g *Gate) authenticate(r *http.Request) error {
	if g.access == accessPublic {
		return nil
	}
	if token, ok := bearerToken(r); ok {
		if g.access == accessSupabase {
			return g.project.verify(r.Context(), token, g.address(r), g.now())
		}
		return g.checkPassword(r.Context(), g.address(r), token)
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return errNotSignedIn
	}
	if g.access == accessSupabase {
		return g.project.verify(r.Context(), cookie.Value, g.address(r), g.now())
	}
	return g.sealer.checkSession(cookie.Value, g.password.text, g.now())
}

// checkPassword waits for its turn until ctx ends.
func (g *Gate) checkPassword(ctx context.Context, address, password string) error {
	select {
	case g.hashing <- struct{}{}:
		defer func() { <-g.hashing }()
	case <-ctx.Done():
		return fmt.Errorf("the password was not checked: %w", context.Cause(ctx))
	}
	if g.limits.attempts.wait(address, g.now()) > 0 {
		return errors.New("too many wrong passwords from this address: try again in some minutes")
	}
	if !g.password.matches(password) {
		g.limits.attempts.take(address, g.now())
		return errWrongPassword
	}
	return nil
}

func (g *Gate) showSession(w http.ResponseWriter, r *http.Request) {
	if err := g.authenticate(r); err != nil {
		httpapi.WriteError(w, http.StatusUnauthorized, "unauthorized", err.Error())
		return
	}
	httpapi.WriteJSON(w, http.StatusOK, map[string]string{"access": g.access})
}

func (g *Gate) openSession(w http.ResponseWriter, r *http.Request) {
	var credentials struct{ Email, Password string }
	if !httpapi.ReadJSON(w, r, maxSignIn, &credentials) {
		return
	}
	if wait := g.limits.attempts.take(g.address(r), g.now()); wait > 0 {
		writeTooMany(w, wait)
		return
	}
	session, lifetime, err := g.signIn(r.Context(), credentials.Email, credentials.Password)
	if err != nil {
		httpapi.WriteError(w, http.StatusForbidden, "refused", httpapi.Sentence(err))
		return
	}
	// A successful sign-in costs no attempt: many visitors may share an address.
	g.limits.attempts.refund(g.address(r))
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: session, Path: "/", MaxAge: int(lifetime.Seconds()),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	httpapi.WriteJSON(w, http.StatusOK, map[string]string{"access": g.access})
}

// signIn returns the value of the session's cookie and how long it lasts.
func (g *Gate) signIn(ctx context.Context, email, password string) (string, time.Duration, error) {
	switch g.access {
	case accessPassword:
		if !g.password.matches(password) {
			return "", 0, errWrongPassword
		}
		return g.sealer.session(g.password.text, g.now().Add(sessionLength)), sessionLength, nil
	case accessSupabase:
		return g.project.signIn(ctx, email, password)
	}
	return "", 0, errors.New("this agent is public and needs no sign-in")
}

func writeTooMany(w http.ResponseWriter, wait time.Duration) {
	seconds := int(wait.Seconds()) + 1
	w.Header().Set("Retry-After", fmt.Sprint(seconds))
	message := fmt.Sprintf("Too many requests from this address. Try again in %d seconds.", seconds)
	httpapi.WriteError(w, http.StatusTooManyRequests, "rate_limited", message)
}
