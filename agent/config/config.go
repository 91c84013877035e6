// Package config parses and validates the configuration that is embedded in an
// agent. Its texts are data and never interpreted.
package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
)

// Schema is the version of the configuration that this runtime understands.
const Schema = 1

// Config is the content of agent.json.
type Config struct {
	Schema       int          `json:"schema"`
	Identity     Identity     `json:"identity"`
	Provider     Provider     `json:"provider"`
	Personality  Personality  `json:"personality"`
	SystemPrompt string       `json:"system_prompt"`
	Sampling     Sampling     `json:"sampling"`
	Capabilities Capabilities `json:"capabilities"`
	Limits       Limits       `json:"limits"`
	// Answer is the form of every answer; nil for answers in words.
	Answer *Answer `json:"answer,omitempty"`
	// Fallback answers when the provider fails; nil if there is none.
	Fallback *Provider `json:"fallback,omitempty"`
	// Knowledge is nil in an agent without files.
	Knowledge *Knowledge `json:"knowledge"`
	// Skills are a list that the tool reads; nil in an agent without any.
	Skills json.RawMessage `json:"skills,omitempty"`

	// SHA256 is the digest of the parsed bytes, in hexadecimal.
	SHA256 string `json:"-"`
}

// Answer is the form of the answers: a JSON Schema as text, and whether providers can
// hold the model to it.
type Answer struct {
	Schema string `json:"schema"`
	Strict bool   `json:"strict"`
}

// Identity describes the agent.
type Identity struct {
	Name        string `json:"name"`
	Handle      string `json:"handle"`
	Type        string `json:"type"`
	Description string `json:"description"`
	Version     string `json:"version"`
}

// Provider selects the model, and the environment variables with the key and,
// optionally, another base URL.
type Provider struct {
	Code       string `json:"code"`
	API        string `json:"api"`
	BaseURL    string `json:"base_url"`
	KeyEnv     string `json:"key_env"`
	BaseURLEnv string `json:"base_url_env"`
	Model      string `json:"model"`
	// Request is how requests differ from those of the API; nil if they do not.
	Request *Request `json:"request,omitempty"`
	// StructuredOutput is what the API takes as the form of an answer: a schema if empty,
	// or only that it is an object.
	StructuredOutput string `json:"structured_output,omitempty"`
	// Price is what the model costs, where a limit needs it.
	Price *Price `json:"price,omitempty"`
}

// Price is in dollars for a million tokens that go in and that come out, by a list of a
// date.
type Price struct {
	Input  float64 `json:"input"`
	Output float64 `json:"output"`
	AsOf   string  `json:"as_of"`
}

// Request is how a provider's requests differ from those of its API: the header that
// carries the key, the name of the field that limits the answer, and what goes with a
// call of a tool that another provider's model made.
type Request struct {
	KeyHeader    string          `json:"key_header,omitempty"`
	MaxTokens    string          `json:"max_tokens,omitempty"`
	ForeignCalls json.RawMessage `json:"foreign_calls,omitempty"`
}

// Personality has no effect at run time: the system prompt and Sampling were
// derived from it before the build.
type Personality struct {
	Preset             string   `json:"preset"`
	Traits             []string `json:"traits"`
	CommunicationStyle string   `json:"communication_style"`
	Tone               string   `json:"tone"`
	ResponseLength     string   `json:"response_length"`
	Creativity         float64  `json:"creativity"`
	CustomInstructions string   `json:"custom_instructions"`
}

// Sampling is sent with every request to the model.
type Sampling struct {
	Temperature float64 `json:"temperature"`
	MaxTokens   int     `json:"max_tokens"`
}

// Capabilities are the agent's memory and tools. ToolSettings has the settings of
// tools that have any, by tool; Permissions the rules for their calls, by tool or by
// one of its functions.
type Capabilities struct {
	Memory       Memory                     `json:"memory"`
	Tools        []string                   `json:"tools"`
	ToolSettings map[string]json.RawMessage `json:"tool_settings,omitempty"`
	Permissions  map[string][]string        `json:"permissions,omitempty"`
	// Images reports that people may send images with their questions.
	Images bool `json:"images,omitempty"`
}

// Memory bounds the earlier exchanges that are sent with a question. Tokens bounds a
// request as a whole, and has what falls out summarized; zero for no such window.
type Memory struct {
	Enabled bool `json:"enabled"`
	Turns   int  `json:"turns"`
	Tokens  int  `json:"tokens,omitempty"`
}

// Knowledge names the files that are compiled into the agent, in order.
type Knowledge struct {
	Files []KnowledgeFile `json:"files"`
	// Trusted tells whether the owner vouches for what they say.
	Trusted bool `json:"trusted"`
}

// KnowledgeFile is one of them. SHA256 is that of the file, Text that of the text that
// was extracted from it.
type KnowledgeFile struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Text   string `json:"text"`
}

// Names returns the names of the files.
func (k *Knowledge) Names() []string {
	names := make([]string, len(k.Files))
	for i, file := range k.Files {
		names[i] = file.Name
	}
	return names
}

// SkillNames returns the names of the skills, in order.
func (c Config) SkillNames() []string {
	var skills []struct{ Name string }
	if c.Skills == nil || json.Unmarshal(c.Skills, &skills) != nil {
		return nil
	}
	names := make([]string, len(skills))
	for i, skill := range skills {
		names[i] = skill.Name
	}
	return names
}

// Limits bounds one answer: the rounds of tool calls, the seconds, and the memory
// of the process in MiB; and what several answers use together.
type Limits struct {
	ToolRounds int `json:"tool_rounds"`
	Seconds    int `json:"seconds"`
	MemoryMB   int `json:"memory_mb"`
	// What one conversation and one day may use, in tokens and dollars; zero for no limit.
	ConversationTokens int     `json:"conversation_tokens,omitempty"`
	ConversationCost   float64 `json:"conversation_cost,omitempty"`
	DayTokens          int     `json:"day_tokens,omitempty"`
	DayCost            float64 `json:"day_cost,omitempty"`
}

// HasBudget reports whether anything limits what answers use together.
func (l Limits) HasBudget() bool {
	return l.ConversationTokens > 0 || l.ConversationCost > 0 || l.HasDay()
}

// HasDay reports whether anything limits what the answers of a day use.
func (l Limits) HasDay() bool { return l.DayTokens > 0 || l.DayCost > 0 }

// Parse decodes and validates a configuration. Unknown fields are errors, since
// they would silently have no effect.
func Parse(raw []byte) (Config, error) {
	var c Config
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("agent.json: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Config{}, fmt.Errorf("agent.json: text follows the configuration")
	}
	if err := c.validate(); err != nil {
		return Config{}, fmt.Errorf("agent.json: %w", err)
	}
	sum := sha256.Sum256(raw)
	c.SHA256 = hex.EncodeToString(sum[:])
	return c, nil
}
