package config

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	envName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	version    = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	digest     = regexp.MustCompile(`^[0-9a-f]{64}$`)

	types = []string{"assistant", "specialist", "researcher", "analyst", "creative", "technical"}
)

// validate returns all faults, joined.
func (c Config) validate() error {
	faults := faultList{}
	faults.check(c.Schema == Schema, "schema is %d, this runtime supports %d", c.Schema, Schema)
	c.Identity.validate(&faults)
	c.Provider.validate(&faults, "provider")
	if c.Fallback != nil {
		c.Fallback.validate(&faults, "fallback")
	}
	faults.within("personality.creativity", c.Personality.Creativity, 0, 1)
	faults.within("sampling.temperature", c.Sampling.Temperature, 0, 2)
	faults.within("sampling.max_tokens", float64(c.Sampling.MaxTokens), 1, 1_000_000)
	if c.Capabilities.Memory.Enabled {
		faults.within("capabilities.memory.turns", float64(c.Capabilities.Memory.Turns), 1, 50)
	}
	faults.within("capabilities.memory.tokens", float64(c.Capabilities.Memory.Tokens), 0, 2_000_000)
	tools := c.Capabilities.Tools
	faults.check(len(slices.Compact(slices.Sorted(slices.Values(tools)))) == len(tools),
		"capabilities.tools has a tool twice")
	for _, name := range slices.Sorted(maps.Keys(c.Capabilities.ToolSettings)) {
		faults.check(slices.Contains(tools, name), "capabilities.tool_settings has settings of %q, which the agent does not have", name)
	}
	faults.within("limits.tool_rounds", float64(c.Limits.ToolRounds), 0, 20)
	faults.within("limits.seconds", float64(c.Limits.Seconds), 5, 300)
	faults.within("limits.memory_mb", float64(c.Limits.MemoryMB), 128, 2048)
	c.validateBudget(&faults)
	if c.Knowledge != nil {
		c.Knowledge.validate(&faults)
	}
	if c.Skills != nil {
		names := c.SkillNames()
		slices.Sort(names)
		faults.check(len(names) > 0 && names[0] != "", "skills is no list of skills with names")
		faults.check(len(slices.Compact(slices.Clone(names))) == len(names), "skills has a name twice")
	}
	return errors.Join(faults...)
}

func (c Config) validateBudget(faults *faultList) {
	l := c.Limits
	faults.check(min(l.ConversationTokens, l.DayTokens) >= 0 && min(l.ConversationCost, l.DayCost) >= 0, "limits: a limit is negative")
	if l.ConversationCost > 0 || l.DayCost > 0 {
		faults.check(c.Provider.Price != nil && (c.Fallback == nil || c.Fallback.Price != nil), "limits of cost need the price of each model")
	}
}

func (k Knowledge) validate(faults *faultList) {
	names := k.Names()
	faults.check(len(names) > 0, "knowledge.files is empty")
	slices.Sort(names)
	faults.check(len(slices.Compact(names)) == len(k.Files), "knowledge.files has a name twice")
	for _, file := range k.Files {
		faults.check(file.Name != "" && !strings.ContainsAny(file.Name, "[];\n"), "knowledge.files has the name %q", file.Name)
		faults.check(digest.MatchString(file.SHA256) && digest.MatchString(file.Text), "knowledge.files: a hash of %q is not one", file.Name)
	}
}

func (i Identity) validate(faults *faultList) {
	faults.check(strings.TrimSpace(i.Name) != "", "identity.name is empty")
	faults.check(strings.TrimSpace(i.Handle) != "", "identity.handle is empty")
	faults.check(slices.Contains(types, i.Type), "identity.type %q is unknown", i.Type)
	faults.check(version.MatchString(i.Version), "identity.version %q is not like 1.2.3", i.Version)
}

func (p Provider) validate(faults *faultList, section string) {
	check := func(ok bool, format string, args ...any) { faults.check(ok, section+"."+format, args...) }
	check(p.Code != "", "code is empty")
	check(p.API != "", "api is empty")
	check(strings.TrimSpace(p.Model) != "", "model is empty")
	check(ValidBaseURL(p.BaseURL), "base_url is not an http(s) URL")
	check(p.KeyEnv == "" || envName.MatchString(p.KeyEnv), "key_env %q is not the name of a variable", p.KeyEnv)
	check(p.BaseURLEnv == "" || envName.MatchString(p.BaseURLEnv), "base_url_env %q is not the name of a variable", p.BaseURLEnv)
	check(slices.Contains([]string{"", "object"}, p.StructuredOutput), "structured_output %q is unknown", p.StructuredOutput)
	if r := p.Request; r != nil {
		check(r.KeyHeader == "" || headerName.MatchString(r.KeyHeader), "request.key_header %q is not the name of a header", r.KeyHeader)
		check(slices.Contains([]string{"", "max_tokens", "max_completion_tokens"}, r.MaxTokens),
			"request.max_tokens %q is not the name of a known field", r.MaxTokens)
	}
}

// ValidBaseURL reports whether text is an absolute http or https URL.
func ValidBaseURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

type faultList []error

func (f *faultList) check(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

func (f *faultList) within(name string, value, low, high float64) {
	f.check(value >= low && value <= high, "%s is %g, not within %g to %g", name, value, low, high)
}
