package front

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

const help = `Usage: %[1]s

Without a flag: a conversation in the terminal.

  --message TEXT   ask once; the answer goes to standard output
  --serve ADDR     HTTP server, for example --serve 8080 (this machine only)
                   or --serve 0.0.0.0:8080 (everybody who can connect)
  --request        read one request as JSON, write its events as JSON lines
  --manifest       print what the agent is, as JSON
  --version        print the version of this program
  --help           print this text

In the terminal: /reset forgets the conversation, /quit ends it, Ctrl-C stops an answer.

The server has GET /healthz, GET /manifest, POST /chat, and for OpenAI clients
GET /v1/models and POST /v1/chat/completions.

Environment: the provider's key in the variable that --manifest names;
AGENT_SERVER_TOKEN: the server then wants "Authorization: Bearer <token>";
AGENT_EGRESS_SOCKET: a unix socket with the HTTP proxy for all connections.
`

// parse reads the flags, which may stand before or after the argument.
func (p Program) parse(arguments []string, errors io.Writer) (options, string, error) {
	var opts options
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(errors)
	flags.Usage = func() { fmt.Fprintf(errors, help, p.synopsis()) }
	flags.StringVar(&opts.message, "message", "", "")
	flags.StringVar(&opts.serve, "serve", "", "")
	flags.BoolVar(&opts.request, "request", false, "")
	flags.BoolVar(&opts.manifest, "manifest", false, "")
	flags.BoolVar(&opts.version, "version", false, "")
	var positional []string
	for {
		if err := flags.Parse(arguments); err != nil {
			return opts, "", err
		}
		if flags.NArg() == 0 {
			break
		}
		positional = append(positional, flags.Arg(0))
		arguments = flags.Args()[1:]
	}
	return opts, first(positional), p.complain(flags, opts, len(positional))
}

func (p Program) complain(flags *flag.FlagSet, opts options, count int) error {
	wanted := 0
	if p.Argument != "" {
		wanted = 1
	}
	modes, empty := 0, ""
	flags.Visit(func(f *flag.Flag) {
		modes++
		if strings.TrimSpace(f.Value.String()) == "" {
			empty = f.Name
		}
	})
	var err error
	switch {
	case opts.version:
	case count != wanted:
		err = fmt.Errorf("usage: %s", p.synopsis())
	case empty != "":
		// A script's empty variable must not start a conversation that waits.
		err = fmt.Errorf("--%s is empty", empty)
	case modes > 1:
		err = fmt.Errorf("--message, --serve, --request and --manifest exclude each other")
	}
	if err != nil {
		fmt.Fprintf(flags.Output(), "%s: %v (see --help)\n", p.Name, err)
	}
	return err
}

func (p Program) synopsis() string {
	if p.Argument == "" {
		return p.Name + " [flags]"
	}
	return p.Name + " [flags] " + p.Argument
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
