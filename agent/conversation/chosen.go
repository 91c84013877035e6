package conversation

import (
	"encoding/json"
	"maps"
	"slices"

	"agent.local/a0000000000000000/config"
)

// The tools that come with files and with skills, and the one that reads whole tables.
const (
	knowledgeTool = "knowledge_search"
	skillTool     = "skill"
	tablesTool    = "data_query"
)

// toolNames returns the chosen tools, and those that come with files and skills.
func toolNames(c config.Config) []string {
	names := slices.Clone(c.Capabilities.Tools)
	if c.Knowledge != nil {
		names = append(names, knowledgeTool)
	}
	if c.Skills != nil {
		names = append(names, skillTool)
	}
	return names
}

// toolSettings returns the settings of the tools; the skills are those of theirs.
func toolSettings(c config.Config) map[string]json.RawMessage {
	if c.Skills == nil {
		return c.Capabilities.ToolSettings
	}
	settings := map[string]json.RawMessage{skillTool: c.Skills}
	maps.Copy(settings, c.Capabilities.ToolSettings)
	return settings
}

// distrustFiles marks what comes from the agent's files as what others wrote, where the
// owner does not vouch for them.
func (a *Agent) distrustFiles() {
	if a.config.Knowledge == nil {
		return
	}
	for i := range a.tools {
		if a.tools[i].Name == knowledgeTool || a.tools[i].Name == tablesTool {
			a.tools[i].Untrusted = !a.config.Knowledge.Trusted
		}
	}
}
