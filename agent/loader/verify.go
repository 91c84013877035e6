package loader

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// Verify runs the command "verify [--key FILE] PLUGIN.so" and returns its exit
// code: 0 for a valid plugin, 1 for any other, 2 for wrong usage. It checks the
// signature, the digests and the build information, without running the plugin.
func Verify(program string, arguments []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet(program+" verify", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "Usage: %s verify [--key FILE] PLUGIN.so\n\n"+
			"  --key FILE   the forge's public key in PEM; the default is the file that %s\n"+
			"               names, or else %s beside the plugin\n",
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
	if err := verify(plugins[0], *key, stdout); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", program, err)
		return 1
	}
	return 0
}

func verify(path, key string, out io.Writer) error {
	signature, err := CheckSignature(path, key)
	if errors.Is(err, ErrUnsigned) {
		return mismatch("signature", "no %s beside it names it", ProvenanceFile)
	}
	if err != nil {
		return err
	}
	if err := CheckSum(path); err != nil {
		return err
	}
	if err := Check(path); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is signed and compatible with this host.\n", path)
	fmt.Fprintf(out, "revision sha256 %s\nsigned by key sha256 %s, read from %s\n", signature.Revision, signature.Key, signature.KeyPath)
	if key == "" {
		fmt.Fprintf(out, "This proves the origin only if the key came from the forge itself; if so, pass it with --key.\n")
	}
	return nil
}
