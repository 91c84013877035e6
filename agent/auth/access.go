// Package auth guards an agent that has a page: who may talk to it, how often,
// and the conversations of the page, which visitors keep themselves.
package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"

	"agent.local/a0000000000000000/cli"
)

// AccessEnv names the variable that says who may talk to the agent.
const AccessEnv = "AGENT_ACCESS"

// Who may talk to the agent; the site's owner chose it.
const (
	accessPublic   = "public"
	accessPassword = "password"
	accessSupabase = "supabase"
)

const (
	// __Host- binds a cookie to this very host, over TLS.
	cookieName  = "__Host-agent"
	sessionTime = 12 * time.Hour
	maxBody     = 256 << 10
)

// Door lets requests in, or says why not. It keeps nothing: what it knows of a
// visitor is in their cookie or their Authorization header.
type Door struct {
	access  string
	sealer  sealer
	secret  passwordHash
	project *project
	limits  *limits
	address Address
	now     func() time.Time
	// One password is checked at a time: it takes a processor, and guesses that
	// run side by side would outrun the limit.
	checking sync.Mutex
}

// NewDoor reads the site's settings from the environment. What it does not
// understand it refuses: a closed site must not open by a spelling mistake.
func NewDoor(env func(string) string, address Address) (*Door, error) {
	d := &Door{access: env(AccessEnv), limits: newLimits(), address: address, now: time.Now}
	var err error
	if d.sealer, err = newSealer(env("AGENT_STATE_KEY")); err != nil {
		return nil, err
	}
	switch d.access {
	case "":
		d.access, err = accessPublic, meantClosed(env)
	case accessPublic:
	case accessPassword:
		d.secret, err = d.sealer.password(env("AGENT_PASSWORD_HASH"), env("AGENT_PASSWORD"))
	case accessSupabase:
		d.project, err = newProject(env("SUPABASE_URL"), env("SUPABASE_ANON_KEY"))
	default:
		err = fmt.Errorf("AGENT_ACCESS is %q; it is public, password or supabase", d.access)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// meantClosed complains of settings that only a closed site has.
func meantClosed(env func(string) string) error {
	for _, name := range []string{"AGENT_PASSWORD", "AGENT_PASSWORD_HASH", "SUPABASE_URL"} {
		if env(name) != "" {
			return fmt.Errorf("%s is set and AGENT_ACCESS is not: set it to public, password or supabase", name)
		}
	}
	return nil
}

// Access says who may talk to the agent: public, password or supabase.
func (d *Door) Access() string { return d.access }

// Guard puts the door before an agent: `/api/session` and `/api/ask` for the
// site's page, everything else for programs.
func (d *Door) Guard(agent cli.Agent, programs http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/session", d.showSession)
	mux.HandleFunc("POST /api/session", d.openSession)
	mux.Handle("POST /api/ask", d.only(newAsker(agent, d.sealer)))
	mux.Handle("/", d.only(programs))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, 4<<20)
		mux.ServeHTTP(w, r)
	})
}

func (d *Door) only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if wait := d.limits.questions.take(d.address(r), d.now()); wait > 0 {
				tooOften(w, wait)
				return
			}
		}
		if err := d.admits(r); err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, "unauthorized", err.Error())
			return
		}
		next.ServeHTTP(w, r)
	})
}

var errNotSignedIn = errors.New("sign in first, or send Authorization: Bearer")

// admits tells whether a request may pass, by its cookie or its bearer token.
func (d *Door) admits(r *http.Request) error {
	if d.access == accessPublic {
		return nil
	}
	if bearer, ok := bearerOf(r); ok {
		if d.access == accessSupabase {
			return d.project.verify(r.Context(), bearer, d.address(r), d.now())
		}
		return d.checkBearer(d.address(r), bearer)
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return errNotSignedIn
	}
	if d.access == accessSupabase {
		return d.project.verify(r.Context(), cookie.Value, d.address(r), d.now())
	}
	return d.sealer.checkPass(cookie.Value, d.secret.text, d.now())
}

func (d *Door) checkBearer(address, bearer string) error {
	d.checking.Lock()
	defer d.checking.Unlock()
	if wait := d.limits.attempts.peek(address, d.now()); wait > 0 {
		return errors.New("too many wrong passwords from this address: wait some minutes")
	}
	if !d.secret.matches(bearer) {
		d.limits.attempts.take(address, d.now())
		return errors.New("the password is wrong")
	}
	return nil
}

func (d *Door) showSession(w http.ResponseWriter, r *http.Request) {
	if err := d.admits(r); err != nil {
		refuse(w, http.StatusUnauthorized, "unauthorized", err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]string{"access": d.access})
}

func (d *Door) openSession(w http.ResponseWriter, r *http.Request) {
	var given struct{ Email, Password string }
	if !read(w, r, &given) {
		return
	}
	if wait := d.limits.attempts.take(d.address(r), d.now()); wait > 0 {
		tooOften(w, wait)
		return
	}
	value, lasts, err := d.passFor(r, given.Email, given.Password)
	if err != nil {
		refuse(w, http.StatusForbidden, "refused", err.Error())
		return
	}
	// Those behind one address who know it do not use up one another's attempts.
	d.limits.attempts.giveBack(d.address(r))
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: int(lasts.Seconds()),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	reply(w, http.StatusOK, map[string]string{"access": d.access})
}

func (d *Door) passFor(r *http.Request, email, password string) (string, time.Duration, error) {
	switch d.access {
	case accessPassword:
		if !d.secret.matches(password) {
			return "", 0, errors.New("This password is wrong.")
		}
		return d.sealer.pass(d.secret.text, d.now().Add(sessionTime)), sessionTime, nil
	case accessSupabase:
		return d.project.signIn(r.Context(), email, password)
	}
	return "", 0, errors.New("Everybody may talk to this agent.")
}

// read takes a JSON body. Only pages of this site can send that type without
// being asked, so a foreign page can't use a visitor's cookie.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "bad_request", "send Content-Type: application/json")
		return false
	}
	// All of it: a visitor who goes away is noticed from the body's end on.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "bad_request", "the body is not the JSON that is expected, or too large")
		return false
	}
	return true
}

func tooOften(w http.ResponseWriter, wait time.Duration) {
	seconds := int(wait.Seconds()) + 1
	w.Header().Set("Retry-After", fmt.Sprint(seconds))
	told := fmt.Sprintf("Too much was asked from this address. Try again in %d seconds.", seconds)
	refuse(w, http.StatusTooManyRequests, "rate_limited", told)
}

func refuse(w http.ResponseWriter, status int, code, text string) {
	reply(w, status, map[string]any{
		"type": "error", "code": code, "message": text,
		"error": map[string]string{"type": code, "code": code, "message": text},
	})
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
