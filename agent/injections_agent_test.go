package bundle

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

const newsCard = `{"name":"News","description":"News.","skills":[],"supportedInterfaces":[{"url":"%s/a2a","protocolBinding":"JSONRPC","protocolVersion":"1.0"}]}`

// serveAgent is another agent, which answers the first question.
func (o *obeying) serveAgent(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		_, _ = fmt.Fprintf(w, newsCard, o.base)
		return
	}
	body, _ := io.ReadAll(r.Body)
	if o.asked > 1 || o.first != "agent_news" {
		o.visits = append(o.visits, "a2a "+string(body))
	}
	answer := map[string]any{"message": map[string]any{"parts": []any{map[string]string{"text": "News. " + o.Text}}}}
	_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": 1, "result": answer})
}

// newsAgents are the settings of the other agent.
func newsAgents(base string) map[string]any {
	card := map[string]any{
		"function": "agent_news", "name": "News", "description": "News.", "skills": []any{}, "endpoint": base + "/a2a", "protocol": "1.0",
	}
	return map[string]any{"agents": []any{map[string]any{"name": "news", "url": base + "/a2a", "cards": []any{card}}}}
}
