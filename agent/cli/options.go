package cli

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
%[2]s  --request        read one request as JSON, write its events as JSON lines
  --manifest       print what the agent is, as JSON
  --version        print the version of this program
  --help           print this text

In the terminal: /reset forgets the conversation, /quit ends it, Ctrl-C stops an answer.

The server has GET /healthz, GET /manifest, POST /chat, and for OpenAI clients
GET /v1/models and POST /v1/chat/completions.

Environment: the provider's key in the variable that --manifest names;
AGENT_SERVER_TOKEN: the server then wants "Authorization: Bearer <token>";
AGENT_EGRESS_SOCKET: a unix socket with the HTTP proxy for all connections.
%[3]s`

const helpOfSites = `  --site DIR       with --serve: show the site in DIR, with the agent behind its door.
                   DIR is looked up for each request: rename a link over it,
                   and the other directory shows at once
`

const environmentOfSites = `
Environment of a site (AGENT_SERVER_TOKEN is not for it):
AGENT_ACCESS: public (as when nothing is set), password or supabase;
AGENT_PASSWORD, or AGENT_PASSWORD_HASH (pbkdf2:sha256:<iterations>:<salt>:<hash>);
SUPABASE_URL, SUPABASE_ANON_KEY: the project whose users may talk to the agent;
AGENT_STATE_KEY: 32 hexadecimal digits or more, kept secret; with the same ones
conversations and sign-ins outlast a restart;
AGENT_TRUSTED_PROXIES: how many proxies stand before this program. Limits then
go by the address that the outermost of them saw, in X-Forwarded-For.
A browser keeps a sign-in over https and on localhost only.
`

// parse reads the flags, which may stand before or after the argument.
func (p Program) parse(arguments []string, errors io.Writer) (options, string, error) {
	var opts options
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(errors)
	flags.Usage = func() { p.printHelp(errors) }
	flags.StringVar(&opts.message, "message", "", "")
	flags.StringVar(&opts.serve, "serve", "", "")
	if p.Site != nil {
		flags.StringVar(&opts.site, "site", "", "")
	}
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
		if f.Name != "site" {
			modes++
		}
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
	case opts.site != "" && opts.serve == "":
		err = fmt.Errorf("--site needs --serve")
	case modes > 1:
		err = fmt.Errorf("--message, --serve, --request and --manifest exclude each other")
	}
	if err != nil {
		fmt.Fprintf(flags.Output(), "%s: %v (see --help)\n", p.Name, err)
	}
	return err
}

func (p Program) printHelp(out io.Writer) {
	flags, environment := "", ""
	if p.Site != nil {
		flags, environment = helpOfSites, environmentOfSites
	}
	fmt.Fprintf(out, help, p.synopsis(), flags, environment)
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
