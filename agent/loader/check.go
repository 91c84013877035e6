// Package loader opens an agent's plugin, after it made sure that the plugin
// fits: opening one runs its code, and a misfit crashes or misleads.
package loader

import (
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
)

// MisfitError says which rule of compatibility a plugin breaks.
type MisfitError struct {
	Rule   string
	Detail string
}

func (e *MisfitError) Error() string {
	return fmt.Sprintf("this plugin does not fit this host (%s): %s", e.Rule, e.Detail)
}

func misfit(rule, format string, args ...any) error {
	return &MisfitError{Rule: rule, Detail: fmt.Sprintf(format, args...)}
}

var modulePath = regexp.MustCompile(`^agent\.local/a[0-9a-f]{16}$`)

// Check reads the file at path, without running anything of it, and returns a
// *MisfitError for the first rule that it breaks.
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
		return misfit("build information", "the file holds none of Go's: %v", err)
	}
	return compare(host, plugin)
}

// The first bytes of a shared object, by operating system.
var formats = map[string]struct{ name, magic string }{
	"linux":   {"an ELF", "\x7fELF"},
	"freebsd": {"an ELF", "\x7fELF"},
	"darwin":  {"a 64-bit Mach-O", "\xcf\xfa\xed\xfe"},
}

func checkFormat(path string) error {
	format, ok := formats[runtime.GOOS]
	if !ok {
		return misfit("GOOS", "Go has no plugins on %s", runtime.GOOS)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	magic := make([]byte, len(format.magic))
	if _, err := io.ReadFull(file, magic); err != nil || string(magic) != format.magic {
		return misfit("format", "the file is not %s shared object", format.name)
	}
	return nil
}

// Settings that change the compiled code of the standard library, which host
// and plugin share. Linker flags and paths do not.
var shared = []struct{ setting, absent string }{
	{"GOOS", ""}, {"GOARCH", ""}, {"GOAMD64", ""}, {"GOARM64", ""}, {"GOEXPERIMENT", "none"}, {"GOFIPS140", "off"},
	{"-trimpath", "false"}, {"-tags", "none"}, {"-race", "false"}, {"-msan", "false"}, {"-asan", "false"},
	{"-cover", "false"}, {"-gcflags", "none"}, {"-asmflags", "none"},
}

func compare(host, plugin *debug.BuildInfo) error {
	if host.GoVersion != plugin.GoVersion {
		return misfit("Go version", "host %s, plugin %s", host.GoVersion, plugin.GoVersion)
	}
	ours, theirs := settings(host), settings(plugin)
	if ours["CGO_ENABLED"] == "0" {
		return misfit("CGO_ENABLED", "this host was built without cgo and can't load anything")
	}
	if theirs["-buildmode"] != "plugin" {
		return misfit("-buildmode", "the file was built as %q, not as a plugin", theirs["-buildmode"])
	}
	for _, rule := range shared {
		a, b := ours[rule.setting], theirs[rule.setting]
		if a != b {
			return misfit(rule.setting, "host %s, plugin %s", orAbsent(a, rule.absent), orAbsent(b, rule.absent))
		}
	}
	if err := compareModules(host, plugin); err != nil {
		return err
	}
	if !modulePath.MatchString(plugin.Main.Path) {
		return misfit("module path", "%q is not an agent's", plugin.Main.Path)
	}
	if plugin.Main.Path == host.Main.Path {
		return misfit("module path", "host and plugin are both %s; an agent needs a path of its own", host.Main.Path)
	}
	return nil
}

// compareModules looks for modules that both contain in different versions:
// the packages of one would be taken for those of the other.
func compareModules(host, plugin *debug.BuildInfo) error {
	ours := map[string]string{}
	for _, module := range host.Deps {
		ours[module.Path] = module.Version
	}
	for _, module := range plugin.Deps {
		if version, ok := ours[module.Path]; ok && version != module.Version {
			return misfit("shared packages", "host %s %s, plugin %s", module.Path, version, module.Version)
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

func orAbsent(value, absent string) string {
	if value == "" {
		return absent
	}
	return value
}
