package auth

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	keysLifetime = 10 * time.Minute
	// The keys are fetched at most this often, however many unknown ones appear.
	keysPause = 10 * time.Second
)

var errToken = errors.New("this sign-in is no longer valid: sign in again")

// project is the Supabase project whose users may use the agent.
type project struct {
	url, anonKey string
	client       *http.Client
	mu           sync.Mutex
	keys         map[string]crypto.PublicKey
	// When the keys were last fetched, and when that was last attempted.
	fetched, attempted time.Time
	// remote limits the tokens of one address that only the project can verify.
	remote *limiter
}

func newProject(url, anonKey string) (*project, error) {
	url = strings.TrimRight(url, "/")
	if !strings.HasPrefix(url, "http") || anonKey == "" {
		return nil, errors.New("set SUPABASE_URL and SUPABASE_ANON_KEY, which are needed to verify who is signed in")
	}
	return &project{url: url, anonKey: anonKey, client: &http.Client{Timeout: 5 * time.Second},
		remote: &limiter{most: 60, window: time.Minute}}, nil
}

// claims are the part of a user's JWT that is verified.
type claims struct {
	Subject  string          `json:"sub"`
	Role     string          `json:"role"`
	Issuer   string          `json:"iss"`
	Audience json.RawMessage `json:"aud"`
	Expires  float64         `json:"exp"`
}

// verify returns nil for a token that the project issued to one of its users.
func (p *project) verify(ctx context.Context, token, address string, now time.Time) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > 8<<10 {
		return errToken
	}
	var header struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
	}
	var payload claims
	if !decode(parts[0], &header) || !decode(parts[1], &payload) {
		return errToken
	}
	if now.Unix() >= int64(payload.Expires) || payload.Role != "authenticated" || payload.Subject == "" ||
		payload.Issuer != p.url+"/auth/v1" || !bytes.Contains(payload.Audience, []byte(`"authenticated"`)) {
		return errToken
	}
	if header.Alg == "HS256" {
		// Only the project knows the secret. The limit keeps forged tokens from
		// flooding it.
		if p.remote.take(address, now) > 0 {
			return errors.New("too many requests from this address: try again in a minute")
		}
		return p.verifyRemotely(ctx, token)
	}
	key, err := p.key(ctx, header.Kid, now)
	if err != nil {
		return err
	}
	return verifySignature(header.Alg, key, parts)
}

func verifySignature(alg string, key crypto.PublicKey, parts []string) error {
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature, err := encoding.DecodeString(parts[2])
	if err != nil {
		return errToken
	}
	switch public := key.(type) {
	case *ecdsa.PublicKey:
		if alg == "ES256" && len(signature) == 64 {
			r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
			if ecdsa.Verify(public, digest[:], r, s) {
				return nil
			}
		}
	case *rsa.PublicKey:
		if alg == "RS256" && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil {
			return nil
		}
	}
	return errToken
}

func (p *project) key(ctx context.Context, kid string, now time.Time) (crypto.PublicKey, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key, ok := p.keys[kid]
	if (!ok || now.Sub(p.fetched) > keysLifetime) && now.Sub(p.attempted) > keysPause {
		p.attempted = now
		if err := p.fetchKeys(ctx, now); err != nil && !ok {
			return nil, err
		}
		key, ok = p.keys[kid]
	}
	if !ok {
		return nil, errToken
	}
	return key, nil
}

func (p *project) fetchKeys(ctx context.Context, now time.Time) error {
	var set struct {
		Keys []struct{ Kid, Kty, Crv, X, Y, N, E string } `json:"keys"`
	}
	if _, err := p.call(ctx, http.MethodGet, "/auth/v1/.well-known/jwks.json", "", nil, &set); err != nil {
		return err
	}
	keys := map[string]crypto.PublicKey{}
	for _, k := range set.Keys {
		switch {
		case k.Kty == "EC" && k.Crv == "P-256":
			keys[k.Kid] = &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(k.X), Y: number(k.Y)}
		case k.Kty == "RSA":
			keys[k.Kid] = &rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}
		}
	}
	p.keys, p.fetched = keys, now
	return nil
}

func (p *project) verifyRemotely(ctx context.Context, token string) error {
	status, err := p.call(ctx, http.MethodGet, "/auth/v1/user", token, nil, nil)
	if err == nil && status != http.StatusOK {
		err = errToken
	}
	return err
}

// signIn returns an access token of the project and how long it lasts.
func (p *project) signIn(ctx context.Context, email, password string) (string, time.Duration, error) {
	var session struct {
		Token   string `json:"access_token"`
		Seconds int    `json:"expires_in"`
	}
	body, _ := json.Marshal(map[string]string{"email": email, "password": password})
	status, err := p.call(ctx, http.MethodPost, "/auth/v1/token?grant_type=password", "", body, &session)
	if err != nil {
		return "", 0, err
	}
	if status != http.StatusOK || session.Token == "" {
		return "", 0, errors.New("this e-mail address and password were not accepted")
	}
	return session.Token, time.Duration(max(session.Seconds, 60)) * time.Second, nil
}

// call returns the status of the response, and decodes into target what comes with
// status 200, if target is not nil.
func (p *project) call(ctx context.Context, method, path, token string, body []byte, target any) (int, error) {
	request, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Apikey", p.anonKey)
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return 0, errors.New("the sign-in service cannot be reached: try again later")
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil && target != nil && response.StatusCode == http.StatusOK {
		err = json.Unmarshal(content, target)
	}
	if err != nil {
		return 0, fmt.Errorf("the sign-in service sent an unexpected answer: %w", err)
	}
	return response.StatusCode, nil
}

func decode(part string, target any) bool {
	text, err := encoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, target) == nil
}

func number(text string) *big.Int {
	raw, _ := encoding.DecodeString(text)
	return new(big.Int).SetBytes(raw)
}
