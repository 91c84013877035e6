package conversation

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"agent.local/a0000000000000000/config"
)

const gif = "R0lGODlhAQABAAAAACw="

func picture(text, data string) string {
	return fmt.Sprintf(`{"messages":[{"role":"user","content":%q,"images":[{"data":%q}]}]}`, text, data)
}

// An agent that takes images passes them on by what they are; another refuses them, and so
// does every agent what is no image.
func TestImages(t *testing.T) {
	t.Parallel()
	seven := `{"messages":[{"role":"user","content":"?","images":[` + strings.Repeat(`{"data":"`+gif+`"},`, 16) + `{"data":"` + gif + `"}]}]}`
	tests := []struct {
		takes   bool
		request string
		says    string
	}{
		{true, picture("What is this?", gif), ""},
		{true, picture("", gif), ""},
		{true, picture("?", "PHN2Zz4="), "message 1: an image is not a PNG"},
		{true, picture("?", "%"), "base64"},
		{true, `{"messages":[{"role":"assistant","content":"a","images":[{"data":"` + gif + `"}]},{"role":"user","content":"b"}]}`, "only messages of the user"},
		{true, seven, "at most 16 images"},
		{false, picture("?", gif), "takes no images"},
		{false, picture("?", ""), "takes no images"},
	}
	for _, test := range tests {
		a, provider := sampleAgent(t, func(c *config.Config) { c.Capabilities.Images = test.takes }, answers("A dot."))
		events, err := handle(t, a, test.request)
		if test.says == "" {
			if err != nil {
				t.Fatalf("%v", err)
			}
			sent := provider.requests[0].Messages[0].Images
			if len(sent) != 1 || sent[0].MediaType != "image/gif" || sent[0].Data != gif {
				t.Errorf("sent %+v", sent)
			}
			continue
		}
		if last := events[len(events)-1]; last["code"] != codeBadRequest || !strings.Contains(last["message"].(string), test.says) || len(provider.requests) > 0 {
			t.Errorf("%s: got %v", test.request, last)
		}
	}
}

func TestImagesInManifest(t *testing.T) {
	t.Parallel()
	for takes, want := range map[bool]string{true: `"images","instructions"`, false: `"hops","instructions"`} {
		a, _ := sampleAgent(t, func(c *config.Config) { c.Capabilities.Images = takes })
		var manifest struct {
			Fields json.RawMessage `json:"request_fields"`
		}
		if err := json.Unmarshal(a.Manifest(), &manifest); err != nil || !strings.Contains(string(manifest.Fields), want) {
			t.Errorf("%s, %v", manifest.Fields, err)
		}
	}
}
