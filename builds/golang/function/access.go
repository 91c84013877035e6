package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"
)

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

// door lets requests in, or says why not. It keeps nothing: what it knows of a
// visitor is in their cookie or their Authorization header.
type door struct {
	access  string
	sealer  sealer
	secret  passwordHash
	project *project
	limits  *limits
	now     func() time.Time
}

// newDoor reads the site's settings from the environment. What it does not
// understand it refuses: a closed site must not open by a spelling mistake.
func newDoor(env func(string) string) (*door, error) {
	d := &door{access: env("AGENT_ACCESS"), limits: newLimits(), now: time.Now}
	key, err := hex.DecodeString(env("AGENT_STATE_KEY"))
	if err != nil || len(key) < 16 {
		// Conversations then last as long as this process does.
		key = make([]byte, 32)
		_, _ = rand.Read(key)
	}
	d.sealer = sealer{key: key}
	switch d.access {
	case "", accessPublic:
		d.access = accessPublic
	case accessPassword:
		d.secret, err = parsePasswordHash(env("AGENT_PASSWORD_HASH"))
	case accessSupabase:
		d.project, err = newProject(env("SUPABASE_URL"), env("SUPABASE_ANON_KEY"))
	default:
		err = fmt.Errorf("AGENT_ACCESS is %q; it is public, password or supabase", d.access)
	}
	return d, err
}

// guard puts the door before an agent: `/api/session` and `/api/ask` for the
// site's page, everything else for programs.
func (d *door) guard(ask, programs http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/session", d.showSession)
	mux.HandleFunc("POST /api/session", d.openSession)
	mux.Handle("POST /api/ask", d.only(ask))
	mux.Handle("/", d.only(programs))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, 4<<20)
		mux.ServeHTTP(w, r)
	})
}

func (d *door) only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if wait := d.limits.questions.take(address(r), d.now()); wait > 0 {
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
func (d *door) admits(r *http.Request) error {
	if d.access == accessPublic {
		return nil
	}
	if bearer, ok := bearerOf(r); ok {
		if d.access == accessSupabase {
			return d.project.verify(r.Context(), bearer, d.now())
		}
		if wait := d.limits.attempts.peek(address(r), d.now()); wait > 0 {
			return errors.New("too many wrong passwords from this address: wait some minutes")
		}
		if !d.secret.matches(bearer) {
			d.limits.attempts.take(address(r), d.now())
			return errors.New("the password is wrong")
		}
		return nil
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return errNotSignedIn
	}
	if d.access == accessSupabase {
		return d.project.verify(r.Context(), cookie.Value, d.now())
	}
	return d.sealer.checkPass(cookie.Value, d.secret.text, d.now())
}

func (d *door) showSession(w http.ResponseWriter, r *http.Request) {
	if err := d.admits(r); err != nil {
		refuse(w, http.StatusUnauthorized, "unauthorized", err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]string{"access": d.access})
}

func (d *door) openSession(w http.ResponseWriter, r *http.Request) {
	var given struct{ Email, Password string }
	if !read(w, r, &given) {
		return
	}
	if wait := d.limits.attempts.take(address(r), d.now()); wait > 0 {
		tooOften(w, wait)
		return
	}
	value, lasts, err := d.passFor(r, given.Email, given.Password)
	if err != nil {
		refuse(w, http.StatusForbidden, "refused", err.Error())
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: int(lasts.Seconds()),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	reply(w, http.StatusOK, map[string]string{"access": d.access})
}

func (d *door) passFor(r *http.Request, email, password string) (string, time.Duration, error) {
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
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into); err != nil {
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
