package askagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"agent.local/a0000000000000000/outbound"
	"agent.local/a0000000000000000/tools"
)

const (
	// A card is trusted for this long; a question after it reads it again.
	cardAge = time.Minute
	maxCard = 256 << 10
)

// skill is one of those that an agent states.
type skill struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// pinned is a card as the agent's owner chose it. Function is its name for the model.
type pinned struct {
	Function    string  `json:"function"`
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Skills      []skill `json:"skills"`
	Endpoint    string  `json:"endpoint"`
	Protocol    string  `json:"protocol"`
}

// words describe the agent to the model.
func (p pinned) words() string {
	text := fmt.Sprintf("Ask another agent, %s, and return its answer. %s", p.Name, p.Description)
	for i, s := range p.Skills {
		if i == 0 {
			text += "\nIts skills:"
		}
		text += fmt.Sprintf("\n- %s: %s", s.Name, s.Description)
	}
	return text
}

// place is an address of an agent, as versions 1.0 (url, protocolBinding,
// protocolVersion, tenant) and 0.3 (url, transport) name it.
type place struct {
	URL       string `json:"url"`
	Binding   string `json:"protocolBinding"`
	Transport string `json:"transport"`
	Protocol  string `json:"protocolVersion"`
	Tenant    string `json:"tenant"`
}

// card is what an agent says of itself, in both versions.
type card struct {
	Name         string  `json:"name"`
	Description  string  `json:"description"`
	Skills       []skill `json:"skills"`
	Capabilities struct {
		Streaming bool `json:"streaming"`
	} `json:"capabilities"`
	Interfaces []place `json:"supportedInterfaces"`
	// Those of version 0.3.
	URL        string  `json:"url"`
	Transport  string  `json:"preferredTransport"`
	Protocol   string  `json:"protocolVersion"`
	Additional []place `json:"additionalInterfaces"`
}

// offers reports whether the agent still speaks a version at an address.
func (c card) offers(endpoint, protocol string) bool {
	isThere := func(p place) bool {
		return p.URL == endpoint && p.Binding == "JSONRPC" && p.Tenant == "" && strings.HasPrefix(p.Protocol+".", protocol+".")
	}
	if slices.ContainsFunc(c.Interfaces, isThere) {
		return true
	}
	if protocol != "0.3" || !strings.HasPrefix(c.Protocol+".", "0.3.") {
		return false
	}
	return c.URL == endpoint && (c.Transport == "" || c.Transport == "JSONRPC") ||
		slices.ContainsFunc(c.Additional, func(p place) bool { return p.URL == endpoint && p.Transport == "JSONRPC" })
}

// changed says what of a card is not what was chosen; empty if nothing.
func (p pinned) changed(live card) string {
	switch {
	case live.Name != p.Name:
		return "its name"
	case live.Description != p.Description:
		return "its description"
	case !slices.Equal(live.Skills, p.Skills):
		return "what it says of its skills"
	case !live.offers(p.Endpoint, p.Protocol):
		return "its address or its version of the protocol"
	}
	return ""
}

// verify returns the live card, or a DisabledError if it is not what was chosen any more.
func (p *peer) verify(ctx context.Context) (card, error) {
	p.mu.Lock()
	live, isFresh := p.live, time.Since(p.read) < cardAge
	p.mu.Unlock()
	if !isFresh {
		began := time.Now()
		var err error
		if live, err = p.fetchCard(ctx); err != nil {
			return live, err
		}
		p.mu.Lock()
		p.live, p.read = live, began
		p.mu.Unlock()
	}
	if what := p.pinned.changed(live); what != "" {
		return live, &tools.DisabledError{Reason: fmt.Sprintf(
			"the agent %s is disabled: %s changed since it was chosen. Nothing was sent. Answer without it, and tell the user that "+
				"the owner has to test it and choose it again", p.name, what)}
	}
	return live, nil
}

func (p *peer) fetchCard(ctx context.Context) (card, error) {
	var live card
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.service.Base.String(), nil)
	if err != nil {
		return live, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := p.service.Do(request)
	if err != nil {
		return live, outbound.Reason(ctx, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxCard+1))
	switch {
	case err != nil:
		return live, outbound.Reason(ctx, err)
	case response.StatusCode != http.StatusOK:
		return live, statusError(response.StatusCode)
	case len(body) > maxCard || json.Unmarshal(body, &live) != nil:
		return live, errors.New("the agent's card is not readable")
	}
	return live, nil
}
