package a2a

import (
	"encoding/json"
	"fmt"
	"strings"

	"agent.local/a0000000000000000/images"
	"agent.local/a0000000000000000/protocol"
)

// part is one of a message. A file is raw or at an url in version 1.0, and a part of its
// own kind in 0.3.
type part struct {
	Text *string         `json:"text"`
	Data json.RawMessage `json:"data"`
	Raw  *string         `json:"raw"`
	URL  *string         `json:"url"`
	File *struct {
		Bytes *string `json:"bytes"`
		URI   *string `json:"uri"`
	} `json:"file"`
}

// question is what a message says and shows.
type question struct {
	text   string
	images []protocol.Image
}

// onlyImages stands where a message without words has lost its images.
const onlyImages = "[images]"

// ask returns the question in the parts of a message.
func ask(parts []part) (question, *failure) {
	var asked question
	var texts []string
	for _, p := range parts {
		data, address := p.Raw, p.URL
		if p.File != nil {
			data, address = p.File.Bytes, p.File.URI
		}
		switch {
		case p.Text != nil:
			texts = append(texts, *p.Text)
		case len(p.Data) > 0:
			texts = append(texts, string(p.Data))
		case data != nil:
			asked.images = append(asked.images, protocol.Image{Data: *data})
		case address != nil:
			return question{}, notTaken("the agent fetches no files: send an image as bytes, in base64")
		default:
			return question{}, errNoText
		}
	}
	asked.text = strings.TrimSpace(strings.Join(texts, "\n"))
	if asked.text == "" && len(asked.images) == 0 {
		return question{}, invalidParams("message.parts", "must not be empty")
	}
	return asked, nil
}

func (q question) message() protocol.Message {
	return protocol.Message{Role: "user", Content: q.text, Images: q.images}
}

// shown returns the text in the history of a task, which does not repeat images.
func (q question) shown() string {
	if q.text == "" {
		return onlyImages
	}
	return q.text
}

func notTaken(message string) *failure {
	return a2aFailure(-32005, "CONTENT_TYPE_NOT_SUPPORTED", message)
}

// check returns why the agent does not take the images.
func (s *Server) check(sent []protocol.Image) *failure {
	switch {
	case len(sent) > 0 && !s.manifest.Knows("images"):
		return notTaken(images.ErrNotTaken.Error())
	case len(sent) > images.Most:
		return notTaken(fmt.Sprintf("a request has at most %d images", images.Most))
	}
	for _, image := range sent {
		if _, err := images.Decode(image.Data); err != nil {
			return notTaken(err.Error())
		}
	}
	return nil
}

// Earlier images go to the agent again while there is room beside the newest.
const maxEarlier = 9 << 20

// withoutOldImages leaves as many of the newest images as a request may have.
func withoutOldImages(messages []protocol.Message) {
	count, size := 0, 0
	for i := len(messages) - 1; i >= 0; i-- {
		m := &messages[i]
		for _, image := range m.Images {
			count++
			size += len(image.Data)
		}
		if i < len(messages)-1 && len(m.Images) > 0 && (count > images.Most || size > maxEarlier) {
			m.Images = nil
			if m.Content == "" {
				m.Content = onlyImages
			}
			count, size = images.Most, maxEarlier
		}
	}
}
