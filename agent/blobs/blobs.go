// Package blobs is a client of Netlify Blobs, the store that the functions of a site share.
// The protocol is that of the package @netlify/blobs 10.
package blobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

const (
	defaultAPI = "https://api.netlify.com"
	// The type that the API answers a request for an address to write to with.
	signedURL = "application/json;type=signed-url"
	maxAnswer = 1 << 20
	// A request goes elsewhere at most so often.
	maxRedirects = 3
)

// Store is a store of a site, for all its deploys.
type Store struct {
	access Access
	name   string
	client *http.Client
}

// Open returns the store of a name.
func Open(access Access, name string, client *http.Client) Store {
	strict := *client
	strict.CheckRedirect = checkRedirect
	return Store{access, "site:" + name, &strict}
}

// checkRedirect lets the same request go elsewhere, but none that asks for a page instead:
// its answer does not say that a blob was written.
func checkRedirect(next *http.Request, before []*http.Request) error {
	if next.Method != before[0].Method || len(before) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// Create writes an empty blob. It reports false if there was one with this key.
func (s Store) Create(ctx context.Context, key string) (bool, error) {
	request, err := s.writing(ctx, key)
	if err != nil {
		return false, err
	}
	request.Header.Set("If-None-Match", "*")
	request.Header.Set("Cache-Control", "max-age=0, stale-while-revalidate=60")
	status, err := s.send(request, nil)
	switch {
	case err != nil:
		return false, err
	case status == http.StatusPreconditionFailed:
		return false, nil
	case status/100 != 2:
		return false, unexpected(status)
	}
	return true, nil
}

// writing returns the request that writes a blob: at the edge at once, and through the API
// to an address that it gives.
func (s Store) writing(ctx context.Context, key string) (*http.Request, error) {
	request, err := s.request(ctx, http.MethodPut, key)
	if err != nil || s.access.EdgeURL != "" {
		return request, err
	}
	request.Header.Set("Accept", signedURL)
	var place struct{ URL string }
	status, err := s.send(request, &place)
	if err == nil && status != http.StatusOK {
		err = unexpected(status)
	}
	if err != nil {
		return nil, err
	}
	return http.NewRequestWithContext(ctx, http.MethodPut, place.URL, http.NoBody)
}

// Keys returns the first page of the store's keys, in no order.
func (s Store) Keys(ctx context.Context) ([]string, error) {
	request, err := s.request(ctx, http.MethodGet, "")
	if err != nil {
		return nil, err
	}
	var page struct{ Blobs []struct{ Key string } }
	status, err := s.send(request, &page)
	if err != nil || status == http.StatusNotFound {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, unexpected(status)
	}
	keys := make([]string, 0, len(page.Blobs))
	for _, each := range page.Blobs {
		keys = append(keys, each.Key)
	}
	return keys, nil
}

// Delete removes a blob, if there is one with this key.
func (s Store) Delete(ctx context.Context, key string) error {
	request, err := s.request(ctx, http.MethodDelete, key)
	if err != nil {
		return err
	}
	status, err := s.send(request, nil)
	if err == nil && status/100 != 2 && status != http.StatusNotFound {
		err = unexpected(status)
	}
	return err
}

func (s Store) request(ctx context.Context, method, key string) (*http.Request, error) {
	base, path := s.access.EdgeURL, []string{s.access.SiteID, s.name}
	if base == "" {
		base, path = cmp.Or(s.access.APIURL, defaultAPI), append([]string{"api/v1/blobs"}, path...)
	}
	if key != "" {
		path = append(path, key)
	}
	target, err := url.JoinPath(base, path...)
	if err != nil {
		return nil, errors.New("the address of Netlify Blobs is not one")
	}
	request, err := http.NewRequestWithContext(ctx, method, target, http.NoBody)
	if err != nil {
		return nil, errors.New("the address of Netlify Blobs is not one")
	}
	request.Header.Set("Authorization", "Bearer "+s.access.Token)
	return request, nil
}

// send returns the status of the answer, and decodes what a successful one has into value.
func (s Store) send(request *http.Request, value any) (int, error) {
	response, err := s.client.Do(request)
	if err != nil {
		// Without the address, which may be signed.
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return 0, fmt.Errorf("the site's Netlify Blobs can't be reached: %w", err)
	}
	defer response.Body.Close()
	body := io.LimitReader(response.Body, maxAnswer)
	if value != nil && response.StatusCode == http.StatusOK {
		if err := json.NewDecoder(body).Decode(value); err != nil {
			return 0, errors.New("the site's Netlify Blobs answered with something else than JSON")
		}
	}
	_, _ = io.Copy(io.Discard, body)
	return response.StatusCode, nil
}

func unexpected(status int) error {
	return fmt.Errorf("the site's Netlify Blobs answered with status %d", status)
}
