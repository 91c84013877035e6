package datadir

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, c := range []struct{ settings, root, env, want string }{
		{"", "", "", ""},
		{"", "", "/data", "/data"},
		{"", root, "/data", "/data"},
		{`{"directory":"/srv/a"}`, "", "/data", "/srv/a"},
		{`{"directory":"/srv/a"}`, root, "/data", filepath.Join(root, "srv", "a")},
		{`{"directory":"/../../etc"}`, root, "", filepath.Join(root, "etc")},
	} {
		var settings json.RawMessage
		if c.settings != "" {
			settings = json.RawMessage(c.settings)
		}
		got, err := Find(settings, func(name string) string { return map[string]string{RootEnv: c.root, Env: c.env}[name] })
		if err != nil || got != c.want {
			t.Errorf("%v: %q, %v", c, got, err)
		}
	}
	if info, err := os.Stat(filepath.Join(root, "srv", "a")); err != nil || !info.IsDir() {
		t.Error(err)
	}
	if _, err := Find(json.RawMessage(`[]`), os.Getenv); err == nil {
		t.Error("settings of another form were read")
	}
}
