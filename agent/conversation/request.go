package conversation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/hops"
	"agent.local/a0000000000000000/images"
	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/untrusted"
)

const (
	maxRequest  = 4 << 20
	maxMessages = 2000
)

// request is what a caller asks for. Everything but Messages is optional.
type request struct {
	Messages []struct {
		Role    providers.Role `json:"role"`
		Content string         `json:"content"`
		// Data is what tools of another program returned before a user's message.
		Data string `json:"data"`
		// Images are those of a user's message, in base64.
		Images []struct {
			Data string `json:"data"`
		} `json:"images"`
	} `json:"messages"`
	// Instructions are the caller's own, which the agent's take precedence over.
	Instructions string `json:"instructions"`
	// MaxTokens lowers the agent's limit of an answer if it is positive.
	MaxTokens int         `json:"max_tokens"`
	Format    *formatSpec `json:"format"`
	// Approval is what the caller says of calls that need a person.
	Approval approvalRequest `json:"approval"`
	// Hops says through how many agents the question has gone.
	Hops int `json:"hops"`

	messages []providers.Message
	format   *format
}

// parseRequest reads {"messages":[{"role","content"},…]}. The last message must be
// the user's.
func parseRequest(raw []byte, takesImages bool) (request, error) {
	var r request
	most := maxRequest
	if takesImages {
		most = images.MaxRequest
	}
	if len(raw) > most {
		return r, badRequest("the request is larger than %d MiB", most>>20)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, badRequest("the request is not the expected JSON: %v", err)
	}
	err := hops.Check(r.Hops)
	if err != nil {
		return r, badRequest("%v", err)
	}
	if !r.Format.isText() {
		if r.format, err = newFormat(*r.Format); err != nil {
			return r, err
		}
	}
	r.messages, err = r.conversation(takesImages)
	return r, err
}

func (r request) conversation(takesImages bool) ([]providers.Message, error) {
	count := len(r.Messages)
	if count == 0 || count > maxMessages {
		return nil, badRequest("a request has 1 to %d messages, this one has %d", maxMessages, count)
	}
	messages := make([]providers.Message, 0, count)
	pictures := 0
	for i, m := range r.Messages {
		if m.Role != providers.User && m.Role != providers.Assistant {
			return nil, badRequest("message %d has the role %q; use user or assistant", i+1, m.Role)
		}
		message := providers.Message{Role: m.Role, Text: m.Content}
		if m.Data != "" && m.Role != providers.User {
			return nil, badRequest("message %d has data; only a user's message has", i+1)
		}
		if m.Data != "" {
			message = withData(m.Data, m.Content)
		}
		if pictures += len(m.Images); pictures > 0 && !takesImages {
			return nil, badRequest("%v", images.ErrNotTaken)
		}
		if pictures > images.Most {
			return nil, badRequest("a request has at most %d images", images.Most)
		}
		for _, image := range m.Images {
			mediaType, err := images.Decode(image.Data)
			if err != nil || m.Role != providers.User {
				return nil, badRequest("message %d: %v", i+1, cmp.Or(err, images.ErrNotUsers))
			}
			message.Images = append(message.Images, providers.Image{MediaType: mediaType, Data: image.Data})
		}
		messages = append(messages, message)
	}
	last := messages[count-1]
	if last.Role != providers.User || strings.TrimSpace(last.Text) == "" && len(last.Images) == 0 {
		return nil, badRequest("the last message must be the user's, and not empty")
	}
	return messages, nil
}

// withData returns a user's message after text from outside. It has no random boundary:
// the same message comes again with each question.
func withData(data, content string) providers.Message {
	data = untrusted.Clean(data)
	if content == "" {
		return providers.Message{Role: providers.User, Text: data, Outside: len(data)}
	}
	data += "\n\n"
	return providers.Message{Role: providers.User, Text: data + content, Outside: len(data)}
}

// recall returns the last message and the exchanges before it that the memory
// covers. An exchange begins with a message of the user.
func recall(messages []providers.Message, memory config.Memory) []providers.Message {
	last := len(messages) - 1
	start, turns := last, 0
	if memory.Enabled {
		turns = memory.Turns
	}
	if turns > 0 && memory.Tokens > 0 {
		// The window decides, and what it leaves out is summarized.
		turns = last
	}
	for i := last - 1; i >= 0 && turns > 0; i-- {
		if messages[i].Role == providers.User {
			start = i
			turns--
		}
	}
	recalled := make([]providers.Message, 0, last-start+1)
	for _, m := range messages[start:] {
		// A failed answer leaves an empty message, which providers refuse.
		if strings.TrimSpace(m.Text) != "" || len(m.Images) > 0 {
			recalled = append(recalled, m)
		}
	}
	return recalled
}

func badRequest(format string, args ...any) error {
	return &Failure{Type: "error", Code: codeBadRequest, Message: fmt.Sprintf(format, args...)}
}
