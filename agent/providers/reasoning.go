package providers

import "strings"

// The marks around reasoning that models without a field for it write before their
// answer.
var reasoningMarks = [][2]string{
	{"<think>", "</think>"},
	{"<Think>", "</Think>"},
	{"<THINK>", "</THINK>"},
	{"<seed:think>", "</seed:think>"},
	{"<thinking>", "</thinking>"},
	{"<thought>", "</thought>"},
	{"<reasoning>", "</reasoning>"},
	{"[THINK]", "[/THINK]"},
	{"◁think▷", "◁/think▷"},
	// The channels of OpenAI's open models, where a server leaves them in the text.
	{"<|channel|>analysis<|message|>", "<|channel|>final<|message|>"},
	{"<|start|>assistant<|channel|>analysis<|message|>", "<|channel|>final<|message|>"},
}

// The most white space to hold back before a mark.
const maxBeginning = 1 << 10

// reasoningFilter passes a streamed answer on without the reasoning before it. The
// marks count at the beginning only: later they are part of the answer.
type reasoningFilter struct {
	emit func(string) error
	held string
	// closing ends the reasoning that the text is inside of; empty outside.
	closing string
	removed bool
	begun   bool
}

func (f *reasoningFilter) write(piece string) error {
	f.held += piece
	for !f.begun {
		if !f.advance() {
			return nil
		}
	}
	return f.send()
}

// advance decides on the held text and returns false if it needs more.
func (f *reasoningFilter) advance() bool {
	if f.closing != "" {
		before, after, found := strings.Cut(f.held, f.closing)
		if found {
			f.held, f.closing = after, ""
			return true
		}
		f.held = before[max(0, len(before)-len(f.closing)+1):]
		return false
	}
	text := strings.TrimLeft(f.held, " \t\r\n")
	for _, mark := range reasoningMarks {
		if rest, found := strings.CutPrefix(text, mark[0]); found {
			f.held, f.closing, f.removed = rest, mark[1], true
			return true
		}
		if strings.HasPrefix(mark[0], text) && len(f.held) < maxBeginning {
			return false
		}
	}
	if f.removed {
		f.held = text
	}
	f.begun = true
	return true
}

// flush passes on what might have been the beginning of a mark. Reasoning that never
// ended is none of the answer.
func (f *reasoningFilter) flush() error {
	if f.closing != "" || f.removed && strings.TrimSpace(f.held) == "" {
		return nil
	}
	return f.send()
}

func (f *reasoningFilter) send() error {
	text := f.held
	f.held = ""
	if text == "" {
		return nil
	}
	return f.emit(text)
}

// AfterReasoning returns the part of a streamed answer after reasoning without an
// opening mark, or false if there is none: some chat templates put that mark into the
// prompt. The closing mark must be a line of its own, outside of code.
func AfterReasoning(text string) (string, bool) {
	for _, mark := range reasoningMarks {
		before, after, found := strings.Cut(text, mark[1])
		isLine := (before == "" || strings.HasSuffix(before, "\n")) && (after == "" || strings.ContainsAny(after[:1], "\r\n"))
		if found && isLine && !strings.Contains(before, mark[0]) && !strings.Contains(before, "```") {
			return strings.TrimLeft(after, " \t\r\n"), true
		}
	}
	return text, false
}
