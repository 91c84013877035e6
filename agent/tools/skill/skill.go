// Package skill gives the model the agent's skills: the instructions of each, and its
// files. Their names and descriptions are in the system prompt. Files are text to read;
// none of them is run.
package skill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"agent.local/a0000000000000000/tools"
)

const description = "Read one of your skills: its instructions and the names of its files, or one of these files. " +
	"Read a skill before you do what it is for, and follow it."

// A file is one of those that belong to a skill, as text.
type file struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// A skill is one entry of skills in agent.json.
type skill struct {
	Name          string `json:"name"`
	Description   string `json:"description"`
	Instructions  string `json:"instructions"`
	Compatibility string `json:"compatibility"`
	License       string `json:"license"`
	Files         []file `json:"files"`
}

func init() {
	tools.Register(tools.Tool{
		Name:        "skill",
		Description: description,
		Schema:      json.RawMessage(`{"type":"object"}`),
		May:         tools.Reads,
		Finds:       true,
		Run: func(context.Context, json.RawMessage) (string, error) {
			return "", errors.New("the agent has no skills")
		},
		Configure: configure,
	})
}

// configure returns the tool for the skills of an agent. They are its owner's own
// instructions, so that reading one does not taint a conversation.
func configure(tool tools.Tool, settings json.RawMessage, _ func(string) string) (tools.Tool, error) {
	var skills []skill
	decoder := json.NewDecoder(bytes.NewReader(settings))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&skills); err != nil {
		return tool, err
	}
	names := make([]string, len(skills))
	for i, each := range skills {
		names[i] = each.Name
	}
	var err error
	tool.Schema, err = json.Marshal(map[string]any{
		"type": "object",
		"properties": map[string]any{
			"name": map[string]any{"type": "string", "enum": names, "description": "The skill."},
			"file": map[string]string{
				"type":        "string",
				"description": "One of its files, such as references/guide.md; leave it out for the instructions.",
			},
		},
		"required":             []string{"name"},
		"additionalProperties": false,
	})
	tool.Run = func(_ context.Context, arguments json.RawMessage) (string, error) {
		return read(skills, names, arguments)
	}
	return tool, err
}

func read(skills []skill, names []string, arguments json.RawMessage) (string, error) {
	var given struct{ Name, File string }
	if err := json.Unmarshal(arguments, &given); err != nil {
		return "", errors.New(`give the arguments as {"name":"…"}`)
	}
	index := slices.Index(names, strings.ToLower(strings.TrimSpace(given.Name)))
	if index < 0 {
		return "", fmt.Errorf("there is no skill %q; the skills are: %s", given.Name, strings.Join(names, ", "))
	}
	if given.File == "" {
		return skills[index].text(), nil
	}
	return skills[index].file(given.File)
}

// text returns the instructions, and what files there are.
func (s skill) text() string {
	var text strings.Builder
	for _, part := range []struct{ title, words string }{{"Compatibility", s.Compatibility}, {"License", s.License}} {
		if part.words != "" {
			fmt.Fprintf(&text, "%s: %s\n", part.title, part.words)
		}
	}
	if text.Len() > 0 {
		text.WriteString("\n")
	}
	text.WriteString(s.Instructions)
	if len(s.Files) == 0 {
		return text.String()
	}
	text.WriteString("\n\nFiles of this skill. Read one with file; scripts can be read, not run:\n")
	for _, each := range s.Files {
		fmt.Fprintf(&text, "- %s (%d bytes)\n", each.Path, len(each.Text))
	}
	return text.String()
}

// file returns the text of a file. Models write paths in several ways, also with the
// skill's name before them.
func (s skill) file(name string) (string, error) {
	wanted := strings.TrimPrefix(path.Clean("/"+strings.TrimSpace(name)), "/")
	if strings.EqualFold(wanted, "SKILL.md") {
		return s.text(), nil
	}
	for _, each := range s.Files {
		if each.Path == wanted || s.Name+"/"+each.Path == wanted {
			return each.Text, nil
		}
	}
	if len(s.Files) == 0 {
		return "", fmt.Errorf("the skill %s has no files", s.Name)
	}
	paths := make([]string, len(s.Files))
	for i, each := range s.Files {
		paths[i] = each.Path
	}
	return "", fmt.Errorf("the skill %s has no file %q; its files are: %s", s.Name, name, strings.Join(paths, ", "))
}
