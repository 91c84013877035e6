package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"agent.local/a0000000000000000/images"
	"agent.local/a0000000000000000/protocol"
)

// history turns the messages of OpenAI's protocols into the agent's. The agent knows
// no tools but its own, whose calls never leave it: calls in a history are another
// program's, and become text that every model understands.
type history struct {
	messages     []protocol.Message
	instructions []string
	// names are those of the calls so far, by id.
	names map[string]string
	// takesImages is set if the agent does.
	takesImages bool
	// takesData is set if the agent tells what tools returned from what its user wrote.
	takesData bool
	// results is set while the last message consists of results of tools.
	results bool
}

func (s *server) newHistory() history {
	return history{takesImages: s.manifest.Knows("images"), takesData: s.manifest.Knows("data")}
}

// message adds a message of a role with text.
func (h *history) message(role string, c content) error {
	if len(c.images) > 0 {
		switch {
		case role != "user":
			return images.ErrNotUsers
		case !h.takesImages:
			return images.ErrNotTaken
		}
	}
	text := c.text
	switch role {
	case "system", "developer":
		if strings.TrimSpace(text) != "" {
			h.instructions = append(h.instructions, text)
		}
		return nil
	case "user", "assistant":
		h.add(role, text, false)
		last := &h.messages[len(h.messages)-1]
		last.Images = append(last.Images, c.images...)
		return nil
	}
	return fmt.Errorf("the role is %q; use system, developer, user, assistant or tool", role)
}

// add appends a message, or joins it to results of tools that precede it: many models
// want the roles to alternate.
func (h *history) add(role, text string, isResult bool) {
	last := len(h.messages) - 1
	if last >= 0 && h.messages[last].Role == role && (h.results || isResult) {
		h.messages[last].Content = joined(h.messages[last].Content, text)
	} else {
		h.messages = append(h.messages, protocol.Message{Role: role, Content: text})
	}
	h.results = isResult
}

// call adds a call of the assistant to its message.
func (h *history) call(id, name, arguments string) {
	if h.names == nil {
		h.names = map[string]string{}
	}
	h.names[id] = name
	text := fmt.Sprintf("[I called the tool %s with %s]", name, arguments)
	if last := len(h.messages) - 1; last >= 0 && h.messages[last].Role == "assistant" {
		h.messages[last].Content = strings.TrimSpace(h.messages[last].Content + "\n\n" + text)
		return
	}
	h.add("assistant", text, false)
}

// result adds what a tool returned.
func (h *history) result(id, name, text string) {
	if name == "" {
		name = h.names[id]
	}
	if name == "" {
		name = id
	}
	text = fmt.Sprintf("[Result of the tool %s, as data]\n%s", name, text)
	if !h.takesData {
		h.add("user", text, true)
		return
	}
	if last := len(h.messages) - 1; last < 0 || h.messages[last].Role != "user" {
		h.add("user", "", true)
	}
	message := &h.messages[len(h.messages)-1]
	message.Data = joined(message.Data, text)
	h.results = true
}

func joined(before, text string) string {
	if before == "" {
		return text
	}
	return before + "\n\n" + text
}

// content is what a message says: text, and images of the user.
type content struct {
	text   string
	images []protocol.Image
}

// readContent reads a string, null, or a list of parts.
func readContent(raw json.RawMessage) (content, error) {
	var c content
	if len(raw) == 0 || json.Unmarshal(raw, &c.text) == nil {
		return c, nil
	}
	var parts []struct {
		Type     string          `json:"type"`
		Text     string          `json:"text"`
		Refusal  string          `json:"refusal"`
		ImageURL json.RawMessage `json:"image_url"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return c, errors.New("content is neither text nor a list of parts")
	}
	var texts []string
	for _, part := range parts {
		switch part.Type {
		case "text", "input_text", "output_text":
			texts = append(texts, part.Text)
		case "refusal":
			texts = append(texts, part.Refusal)
		case "image_url", "input_image":
			image, err := readImage(part.ImageURL)
			if err != nil {
				return c, err
			}
			c.images = append(c.images, image)
		default:
			return c, fmt.Errorf("the agent reads text and images only, not %q", part.Type)
		}
	}
	c.text = strings.Join(texts, "\n")
	return c, nil
}

// readImage reads a data URL, by itself or in an object as chat completions have it.
func readImage(raw json.RawMessage) (protocol.Image, error) {
	var url string
	var object struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(raw, &url) != nil && json.Unmarshal(raw, &object) == nil {
		url = object.URL
	}
	data, err := images.FromURL(url)
	if err == nil {
		_, err = images.Decode(data)
	}
	return protocol.Image{Data: data}, err
}

// isGiven reports whether an optional field has a value other than null and empty.
func isGiven(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", "[]", "{}", `""`:
		return false
	}
	return true
}

// formatField is response_format of chat completions, or text.format of responses.
type formatField struct {
	protocol.Format
	JSONSchema *protocol.Format `json:"json_schema"`
}

// wanted returns the form that a request asks for, nil for text.
func (f *formatField) wanted() *protocol.Format {
	if f == nil || f.Type == "" || f.Type == "text" {
		return nil
	}
	wanted := f.Format
	if f.JSONSchema != nil {
		wanted = *f.JSONSchema
		wanted.Type = f.Type
	}
	return &wanted
}

// checkFormat refuses a form that the agent cannot answer in.
func (s *server) checkFormat(wanted *protocol.Format, param string) error {
	switch {
	case wanted == nil:
		return nil
	case wanted.Type != "json_object" && wanted.Type != "json_schema":
		return invalid(param, fmt.Sprintf("the type of %s is %q; use text, json_object or json_schema", param, wanted.Type))
	case wanted.Type == "json_schema" && !isGiven(wanted.Schema):
		return invalid(param, param+" has no schema")
	case !s.manifest.Knows("format"):
		return invalid(param, "this agent was built before it could answer in a given form: compile it again, or omit "+param)
	}
	return nil
}

// checkModel refuses models other than the agent, which is the only one.
func (s *server) checkModel(name string) error {
	if name == "" || name == "default" || name == s.manifest.Handle {
		return nil
	}
	return s.unknownModel(name)
}
