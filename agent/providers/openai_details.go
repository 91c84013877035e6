package providers

import (
	"encoding/json"
	"strings"
)

// detailTexts are the fields of a detail that arrive in pieces.
var detailTexts = []string{"text", "summary", "data"}

// detailParts is a detail of the reasoning that is being assembled.
type detailParts struct {
	// raw is the first fragment as it came, fields are those of all.
	raw    json.RawMessage
	fields map[string]json.RawMessage
	texts  map[string]*strings.Builder
	count  int
}

// wholeDetails joins fragments of the reasoning, as OpenRouter streams them: what
// follows with the same type and index continues a detail. A whole one stays as it came.
func wholeDetails(fragments []json.RawMessage) []json.RawMessage {
	var parts []*detailParts
	for _, raw := range fragments {
		var fields map[string]json.RawMessage
		isObject := json.Unmarshal(raw, &fields) == nil
		last := len(parts) - 1
		if last < 0 || !isObject || !parts[last].continues(fields) {
			parts = append(parts, &detailParts{raw: raw, fields: map[string]json.RawMessage{}, texts: map[string]*strings.Builder{}})
			last++
		}
		parts[last].add(fields)
	}
	var whole []json.RawMessage
	for _, part := range parts {
		whole = append(whole, part.whole())
	}
	return whole
}

func (p *detailParts) continues(fields map[string]json.RawMessage) bool {
	index := fields["index"]
	return len(index) > 0 && string(index) == string(p.fields["index"]) && string(fields["type"]) == string(p.fields["type"])
}

func (p *detailParts) add(fields map[string]json.RawMessage) {
	p.count++
	for name, value := range fields {
		if string(value) != "null" || p.fields[name] == nil {
			p.fields[name] = value
		}
	}
	for _, name := range detailTexts {
		if value := fields[name]; len(value) > 0 && value[0] == '"' {
			if p.texts[name] == nil {
				p.texts[name] = &strings.Builder{}
			}
			p.texts[name].Write(unquote(value))
		}
	}
}

func (p *detailParts) whole() json.RawMessage {
	if p.count == 1 {
		return p.raw
	}
	for name, text := range p.texts {
		p.fields[name], _ = json.Marshal(wholeText(text.String()))
	}
	whole, _ := json.Marshal(p.fields)
	return whole
}
