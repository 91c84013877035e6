package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"agent.local/a0000000000000000/blobs"
	"agent.local/a0000000000000000/conversation"
	"agent.local/a0000000000000000/once"
	"agent.local/a0000000000000000/seal"
	"agent.local/a0000000000000000/transport"
)

const (
	claimsStore = "agent-approvals"
	// Of the platform's few seconds.
	claimTime  = 4 * time.Second
	tidyTime   = time.Second
	maxRemoved = 20
)

// claims is the register of all processes of a site, in its Netlify Blobs.
type claims struct{ store blobs.Store }

// Claim creates the blob of a name. Its key begins with the time until which it counts.
func (c claims) Claim(ctx context.Context, name string, until time.Time) (bool, error) {
	limited, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	first, err := c.store.Create(limited, fmt.Sprintf("%d-%s", until.Unix(), name))
	if first {
		c.removeOld(ctx)
	}
	return first, err
}

// removeOld removes some of the blobs that do not count any more. What it can't remove, a
// later call will.
func (c claims) removeOld(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, tidyTime)
	defer cancel()
	keys, _ := c.store.Keys(ctx)
	removed := 0
	for _, key := range keys {
		until, _, _ := strings.Cut(key, "-")
		at, err := strconv.ParseInt(until, 10, 64)
		if err == nil && at < time.Now().Unix() && removed < maxRemoved && c.store.Delete(ctx, key) == nil {
			removed++
		}
	}
}

// registers chooses the register of each event.
type registers struct {
	getenv func(string) string
	client *http.Client
}

func newRegisters(getenv func(string) string) registers {
	return registers{getenv, &http.Client{Transport: transport.New(getenv)}}
}

// with returns a context with the register for an event: the site's blobs where the
// platform gives access to them. Otherwise nothing can be claimed if other processes open
// the same states and share no directory.
func (r registers) with(ctx context.Context, e event) context.Context {
	access, ok := blobs.InEvent(e.Blobs, e.header("x-nf-site-id"))
	if !ok {
		access, ok = blobs.InEnvironment(r.getenv)
	}
	if ok {
		return once.With(ctx, claims{blobs.Open(access, claimsStore, r.client)})
	}
	if r.getenv(seal.KeyEnv) != "" && r.getenv(conversation.DataEnv) == "" {
		return once.With(ctx, once.Nowhere)
	}
	return ctx
}
