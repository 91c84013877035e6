package loader

import (
	"flag"
	"fmt"
	"io"
)

// Verify runs the command "verify [--key FILE] PLUGIN" and returns the exit
// code: it checks signature, digests and build information, and runs nothing
// of the plugin.
func Verify(program string, arguments []string, out, faults io.Writer) int {
	flags := flag.NewFlagSet(program+" verify", flag.ContinueOnError)
	flags.SetOutput(faults)
	flags.Usage = func() {
		fmt.Fprintf(faults, "Usage: %s verify [--key FILE] PLUGIN.so\n\n"+
			"  --key FILE   the forge's public key (PEM); else %s names it, else %s beside the plugin\n",
			program, KeyVariable, KeyFile)
	}
	key := flags.String("key", "", "")
	var plugins []string
	for len(arguments) > 0 {
		if err := flags.Parse(arguments); err != nil {
			return 2
		}
		if flags.NArg() == 0 {
			break
		}
		plugins = append(plugins, flags.Arg(0))
		arguments = flags.Args()[1:]
	}
	if len(plugins) != 1 {
		flags.Usage()
		return 2
	}
	if err := verify(plugins[0], *key, out); err != nil {
		fmt.Fprintf(faults, "%s: %v\n", program, err)
		return 1
	}
	return 0
}

func verify(path, key string, out io.Writer) error {
	signature, err := CheckSignature(path, key)
	if err != nil {
		return err
	}
	if signature == nil {
		return misfit("signature", "no %s beside it signs for it", ProvenanceFile)
	}
	if err := CheckSum(path); err != nil {
		return err
	}
	if err := Check(path); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is what was signed, and fits this host.\n", path)
	fmt.Fprintf(out, "revision sha256 %s\nsigned by key sha256 %s, read from %s\n", signature.Revision, signature.Key, signature.KeyPath)
	if key == "" {
		fmt.Fprintf(out, "Whose key that is you know only if you had it from the forge itself: give it with --key.\n")
	}
	return nil
}
