// Package workspace is the tool for files in one directory: it lists, reads and writes
// them, and nothing outside.
package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"agent.local/a0000000000000000/tools"
	"agent.local/a0000000000000000/tools/datadir"
)

const unavailable = "there are no files here: the agent has no directory for them (" + datadir.Env + "); tell the user"

const pathAbout = `{"type":"string","description":"A path in the directory, such as notes/plan.md."}`

func init() {
	register(tools.Tool{
		Name:        "files_list",
		Description: "List the files and folders of the directory, or of a folder in it.",
		Schema: json.RawMessage(`{"type":"object","properties":{` +
			`"path":{"type":"string","description":"A folder; the whole directory when left out."}},"additionalProperties":false}`),
		// Names and contents may come from others.
		May: tools.Reads, Untrusted: true,
	}, folder.list)
	register(tools.Tool{
		Name:        "files_read",
		Description: "Read a text file of the directory. A long file is cut; use from to read on.",
		Schema: json.RawMessage(`{"type":"object","properties":{"path":` + pathAbout +
			`,"from":{"type":"integer","minimum":0,"description":"The character to begin at; 0 when left out."}},` +
			`"required":["path"],"additionalProperties":false}`),
		May: tools.Reads, Untrusted: true,
	}, folder.read)
	register(tools.Tool{
		Name:        "files_write",
		Description: "Write a text file in the directory: a new one, a replacement of the whole file, or an addition to its end.",
		Schema: json.RawMessage(`{"type":"object","properties":{"path":` + pathAbout +
			`,"text":{"type":"string","description":"The text."},` +
			`"append":{"type":"boolean","description":"Add the text to the end of the file instead of replacing it."}},` +
			`"required":["path","text"],"additionalProperties":false}`),
		May: tools.Writes, Scope: scope,
	}, folder.write)
}

// input has the arguments of all functions.
type input struct {
	Path   string `json:"path"`
	From   int    `json:"from"`
	Text   string `json:"text"`
	Append bool   `json:"append"`
}

// scope makes an approval for the conversation one for the file.
func scope(arguments json.RawMessage) string {
	var in input
	_ = json.Unmarshal(arguments, &in)
	return "path " + in.Path
}

func register(tool tools.Tool, run func(folder, input) (string, error)) {
	tool.Set = "workspace"
	tool.Run = func(context.Context, json.RawMessage) (string, error) { return "", errors.New(unavailable) }
	tool.Configure = func(tool tools.Tool, settings json.RawMessage, getenv func(string) string) (tools.Tool, error) {
		directory, err := datadir.Find(settings, getenv)
		if err != nil {
			return tool, err
		}
		if directory == "" {
			tool.Unavailable = unavailable
			return tool, nil
		}
		tool.Run = func(_ context.Context, arguments json.RawMessage) (string, error) {
			var in input
			if err := json.Unmarshal(arguments, &in); err != nil {
				return "", fmt.Errorf("bad arguments: %w", err)
			}
			return run(folder(directory), in)
		}
		return tool, nil
	}
	tools.Register(tool)
}
