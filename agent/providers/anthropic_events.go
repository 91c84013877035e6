package providers

import "encoding/json"

// messagesEvent is any event of a Messages stream, or a whole message. The protocol
// requires clients to skip unknown events and blocks.
type messagesEvent struct {
	Type         rawText                 `json:"type"`
	Index        count                   `json:"index"`
	Message      optional[wholeMessage]  `json:"message"`
	ContentBlock optional[contentBlock]  `json:"content_block"`
	Delta        optional[messagesDelta] `json:"delta"`
	Usage        optional[messagesUsage] `json:"usage"`
	// Of a whole message.
	Content    messageContent `json:"content"`
	StopReason rawText        `json:"stop_reason"`
}

type wholeMessage struct {
	Usage optional[messagesUsage] `json:"usage"`
}

type contentBlock struct {
	Type      rawText         `json:"type"`
	ID        rawText         `json:"id"`
	Name      rawText         `json:"name"`
	Text      rawText         `json:"text"`
	Input     json.RawMessage `json:"input"`
	Thinking  rawText         `json:"thinking"`
	Signature rawText         `json:"signature"`
	Data      rawText         `json:"data"`
}

type messagesDelta struct {
	Type rawText `json:"type"`
	Text rawText `json:"text"`
	// PartialJSON is text, from some servers the whole object.
	PartialJSON json.RawMessage `json:"partial_json"`
	Thinking    rawText         `json:"thinking"`
	Signature   rawText         `json:"signature"`
	StopReason  rawText         `json:"stop_reason"`
}

type messagesUsage struct {
	InputTokens   count `json:"input_tokens"`
	CacheCreation count `json:"cache_creation_input_tokens"`
	CacheRead     count `json:"cache_read_input_tokens"`
	OutputTokens  count `json:"output_tokens"`
}

// kind returns the type of an event; some servers send it as the event's name only,
// or none with a whole message.
func (e messagesEvent) kind(name string) rawText {
	switch {
	case e.Type != "":
		return e.Type
	case len(e.Content) > 0:
		return "message"
	}
	return rawText(name)
}

// kind returns the type of a fragment, which its field shows, too.
func (d messagesDelta) kind() rawText {
	switch {
	case d.Type != "":
		return d.Type
	case d.Text != "":
		return "text_delta"
	case isSet(d.PartialJSON):
		return "input_json_delta"
	case d.Thinking != "":
		return "thinking_delta"
	}
	return ""
}

// messageContent are the blocks of a whole message; a string is a block of text.
type messageContent []contentBlock

func (c *messageContent) UnmarshalJSON(raw []byte) error {
	if raw[0] == '"' {
		*c = messageContent{{Type: "text", Text: rawText(unquote(raw))}}
		return nil
	}
	var blocks list[contentBlock]
	err := blocks.UnmarshalJSON(raw)
	*c = blocks.values
	return err
}
