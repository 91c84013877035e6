package knowledgesearch

import (
	"context"
	"strings"
	"testing"

	"agent.local/a0000000000000000/knowledge"
	"agent.local/a0000000000000000/tools"
)

func toolOf(t *testing.T, name, text string) tools.Tool {
	t.Helper()
	index, err := knowledge.Write([]knowledge.Document{{Name: name, Chunks: []knowledge.Chunk{{Text: text}}}})
	if err != nil {
		t.Fatal(err)
	}
	return New(string(index))
}

// A host that replaces an agent holds both, and this package once.
func TestAgentsSearchTheirOwnFiles(t *testing.T) {
	t.Parallel()
	first, second := toolOf(t, "red.md", "Lanterns are red."), toolOf(t, "blue.md", "Lanterns are blue.")
	for tool, want := range map[*tools.Tool]string{&first: "red", &second: "blue"} {
		found, err := tool.Run(context.Background(), []byte(`{"queries":["lanterns"]}`))
		if err != nil || !strings.Contains(found, want+".md") || strings.Count(found, "Lanterns") != 1 {
			t.Errorf("want %s: %q, %v", want, found, err)
		}
	}
}

func TestADamagedIndexIsSaidWhenItIsSearched(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "no index"} {
		tool := New(data)
		if _, err := tool.Run(context.Background(), []byte(`{"queries":["lanterns"]}`)); err != knowledge.ErrDamaged {
			t.Errorf("%q: %v", data, err)
		}
		if tool.Review("Lanterns are red [red.md].") != nil {
			t.Errorf("%q: something was reviewed", data)
		}
	}
}
