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
	keysLast = 10 * time.Minute
	// An unknown key is asked for at most this often.
	keysPause = 10 * time.Second
)

var errToken = errors.New("this sign-in is not valid any more: sign in again")

// project is the Supabase project whose users may talk to the agent.
type project struct {
	url, anonKey string
	client       *http.Client
	mutex        sync.Mutex
	keys         map[string]crypto.PublicKey
	// When the keys came, and when they were last asked for.
	fetched, tried time.Time
	asked          *bucket
}

func newProject(url, anonKey string) (*project, error) {
	url = strings.TrimRight(url, "/")
	if !strings.HasPrefix(url, "http") || anonKey == "" {
		return nil, errors.New("SUPABASE_URL and SUPABASE_ANON_KEY are needed to check who is signed in")
	}
	return &project{url: url, anonKey: anonKey, client: &http.Client{Timeout: 5 * time.Second},
		asked: &bucket{most: 60, window: time.Minute}}, nil
}

// claims are what the project says of a signed-in user.
type claims struct {
	Subject  string          `json:"sub"`
	Role     string          `json:"role"`
	Issuer   string          `json:"iss"`
	Audience json.RawMessage `json:"aud"`
	Expires  float64         `json:"exp"`
}

// verify accepts a token that the project signed for one of its users;
// address names who brings it.
func (p *project) verify(ctx context.Context, token, address string, now time.Time) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > 8<<10 {
		return errToken
	}
	var header struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
	}
	var said claims
	if !decode(parts[0], &header) || !decode(parts[1], &said) {
		return errToken
	}
	if now.Unix() >= int64(said.Expires) || said.Role != "authenticated" || said.Subject == "" ||
		said.Issuer != p.url+"/auth/v1" || !bytes.Contains(said.Audience, []byte(`"authenticated"`)) {
		return errToken
	}
	if header.Alg == "HS256" {
		// Only the project itself knows the secret; whoever forges must not keep it busy.
		if p.asked.take(address, now) > 0 {
			return errors.New("too many questions from this address: wait a minute")
		}
		return p.askProject(ctx, token)
	}
	key, err := p.key(ctx, header.Kid, now)
	if err != nil {
		return err
	}
	return checkSignature(header.Alg, key, parts)
}

func checkSignature(alg string, key crypto.PublicKey, parts []string) error {
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
	p.mutex.Lock()
	defer p.mutex.Unlock()
	key, known := p.keys[kid]
	if (!known || now.Sub(p.fetched) > keysLast) && now.Sub(p.tried) > keysPause {
		p.tried = now
		if err := p.fetchKeys(ctx, now); err != nil && !known {
			return nil, err
		}
		key, known = p.keys[kid]
	}
	if !known {
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
	found := map[string]crypto.PublicKey{}
	for _, k := range set.Keys {
		switch {
		case k.Kty == "EC" && k.Crv == "P-256":
			found[k.Kid] = &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(k.X), Y: number(k.Y)}
		case k.Kty == "RSA":
			found[k.Kid] = &rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}
		}
	}
	p.keys, p.fetched = found, now
	return nil
}

func (p *project) askProject(ctx context.Context, token string) error {
	status, err := p.call(ctx, http.MethodGet, "/auth/v1/user", token, nil, nil)
	if err == nil && status != http.StatusOK {
		err = errToken
	}
	return err
}

// signIn asks the project for a token, for the page's form.
func (p *project) signIn(ctx context.Context, email, password string) (string, time.Duration, error) {
	var got struct {
		Token   string `json:"access_token"`
		Seconds int    `json:"expires_in"`
	}
	body, _ := json.Marshal(map[string]string{"email": email, "password": password})
	status, err := p.call(ctx, http.MethodPost, "/auth/v1/token?grant_type=password", "", body, &got)
	if err != nil {
		return "", 0, err
	}
	if status != http.StatusOK || got.Token == "" {
		return "", 0, errors.New("This e-mail address and password were not accepted.")
	}
	return got.Token, time.Duration(max(got.Seconds, 60)) * time.Second, nil
}

func (p *project) call(ctx context.Context, method, path, token string, body []byte, into any) (int, error) {
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
		return 0, errors.New("the sign-in service can't be reached: try again later")
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil && into != nil && response.StatusCode == http.StatusOK {
		err = json.Unmarshal(content, into)
	}
	if err != nil {
		return 0, fmt.Errorf("the sign-in service answered something else: %w", err)
	}
	return response.StatusCode, nil
}

func decode(part string, into any) bool {
	text, err := encoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

func number(text string) *big.Int {
	raw, _ := encoding.DecodeString(text)
	return new(big.Int).SetBytes(raw)
}
