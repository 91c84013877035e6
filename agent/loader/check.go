// Package loader opens an agent's plugin. It checks first that the plugin is
// authentic and compatible: opening a plugin runs its code, and an incompatible
// one crashes or misbehaves.
package loader

import (
	"cmp"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
)

// MismatchError reports the rule that a plugin breaks.
type MismatchError struct {
	Rule   string
	Detail string
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("this host refuses the plugin (%s): %s", e.Rule, e.Detail)
}

func mismatch(rule, format string, args ...any) error {
	return &MismatchError{Rule: rule, Detail: fmt.Sprintf(format, args...)}
}

// The module path of an agent: every build has its own.
var modulePath = regexp.MustCompile(`^agent\.local/a[0-9a-f]{16}$`)

// Check reads the build information of the plugin at path, without running it,
// and returns a *MismatchError for the first rule that it breaks.
func Check(path string) error {
	host, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("this host was built without build information")
	}
	if err := checkFormat(path); err != nil {
		return err
	}
	plugin, err := buildinfo.ReadFile(path)
	if err != nil {
		return mismatch("build information", "the file has none: %v", err)
	}
	return compare(host, plugin)
}

// The magic numbers of shared objects, by operating system.
var formats = map[string]struct{ name, magic string }{
	"linux":   {"an ELF", "\x7fELF"},
	"freebsd": {"an ELF", "\x7fELF"},
	"darwin":  {"a 64-bit Mach-O", "\xcf\xfa\xed\xfe"},
}

func checkFormat(path string) error {
	format, ok := formats[runtime.GOOS]
	if !ok {
		return mismatch("GOOS", "Go has no plugins on %s", runtime.GOOS)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	magic := make([]byte, len(format.magic))
	if _, err := io.ReadFull(file, magic); err != nil || string(magic) != format.magic {
		return mismatch("format", "the file is not %s shared object", format.name)
	}
	return nil
}

// Settings that change the compiled code of the standard library, which host and
// plugin share. Linker flags and paths do not.
var sharedSettings = []struct{ setting, absent string }{
	{"GOOS", ""}, {"GOARCH", ""}, {"GOAMD64", ""}, {"GOARM64", ""}, {"GOEXPERIMENT", "none"}, {"GOFIPS140", "off"},
	{"-trimpath", "false"}, {"-tags", "none"}, {"-race", "false"}, {"-msan", "false"}, {"-asan", "false"},
	{"-cover", "false"}, {"-gcflags", "none"}, {"-asmflags", "none"},
}

func compare(host, plugin *debug.BuildInfo) error {
	if host.GoVersion != plugin.GoVersion {
		return mismatch("Go version", "host %s, plugin %s", host.GoVersion, plugin.GoVersion)
	}
	hostSettings, pluginSettings := settings(host), settings(plugin)
	if hostSettings["CGO_ENABLED"] == "0" {
		return mismatch("CGO_ENABLED", "this host was built without cgo and cannot load plugins")
	}
	if pluginSettings["-buildmode"] != "plugin" {
		return mismatch("-buildmode", "the file was built as %q, not as a plugin", pluginSettings["-buildmode"])
	}
	for _, rule := range sharedSettings {
		a, b := hostSettings[rule.setting], pluginSettings[rule.setting]
		if a != b {
			return mismatch(rule.setting, "host %s, plugin %s", cmp.Or(a, rule.absent), cmp.Or(b, rule.absent))
		}
	}
	if err := compareModules(host, plugin); err != nil {
		return err
	}
	if !modulePath.MatchString(plugin.Main.Path) {
		return mismatch("module path", "%q is not the path of an agent", plugin.Main.Path)
	}
	if plugin.Main.Path == host.Main.Path {
		return mismatch("module path", "host and plugin are both %s; every agent needs its own path", host.Main.Path)
	}
	return nil
}

// compareModules finds modules that host and plugin contain in different
// versions: the plugin would run with the host's packages.
func compareModules(host, plugin *debug.BuildInfo) error {
	versions := map[string]string{}
	for _, module := range host.Deps {
		versions[module.Path] = module.Version
	}
	for _, module := range plugin.Deps {
		if version, ok := versions[module.Path]; ok && version != module.Version {
			return mismatch("shared packages", "host %s %s, plugin %s", module.Path, version, module.Version)
		}
	}
	return nil
}

func settings(info *debug.BuildInfo) map[string]string {
	values := map[string]string{}
	for _, s := range info.Settings {
		values[s.Key] = s.Value
	}
	return values
}
