package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

const help = `Usage: %[1]s

Without a flag, talk to the agent in the terminal.

  --message TEXT   ask one question and print the answer
  --image FILE     with --message: send this image (PNG, JPEG, GIF or WebP, 5 MB at most)
                   with the question, if the agent takes images; repeat it for several
  --json           with --message: print one JSON object, and say by the exit code
                   what happened: 0 answered, 1 failed, 3 the answer is incomplete,
                   4 busy or unreachable (try again later), 130 interrupted
  --approve TOOL   with --message: run this tool without asking; repeat it for
                   several. Other calls that need your approval are refused
  --serve ADDR     run an HTTP server, for example --serve 8080 (this machine
                   only) or --serve 0.0.0.0:8080 (everybody who can connect)
%[4]s%[2]s  --mcp            serve one client of the Model Context Protocol on standard input
                   and output
  --request        read one request as JSON, write its events as JSON lines
  --manifest       print the agent's manifest as JSON
  --version        print the version of this program
  --help           print this text

In the terminal, /reset clears the conversation, /quit ends it, Ctrl-C stops an answer.

The server answers GET /healthz, GET /metrics, GET /manifest, POST /chat, for OpenAI's
clients GET /v1/models, POST /v1/chat/completions and POST /v1/responses, for MCP
clients POST /mcp, and for A2A clients POST /a2a and GET /.well-known/agent-card.json.

Environment: the provider's key, in the variable that --manifest names.
AGENT_TOKEN: require "Authorization: Bearer <token>" from the server's clients. On an
address that other machines reach, the server makes a token if none is set and
prints it; AGENT_ACCESS=public opens the server to everybody instead.
AGENT_ORIGINS: origins whose pages may use the agent, as https://a.example,https://b.example
AGENT_DATA_DIR: the directory of what the agent keeps, such as saved facts and files.
AGENT_DATA_ROOT: a directory that stands for / in directories that the agent's
settings name.
AGENT_PRIVATE_HOSTS: hosts, separated by commas, that tools may reach although
their addresses are not public.
AGENT_EGRESS_SOCKET: the unix socket of an HTTP proxy for all connections.
OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME: the
OpenTelemetry collector that gets spans of what the agent does.
%[3]s`

const replaceHelp = `                   On SIGHUP it opens the agent anew: rename a symbolic link over the
                   old one to replace the agent without dropping a conversation.
`

const takeOverHelp = `                   On SIGHUP it starts the program at its path anew, which takes over
                   the address: replace the file to replace the agent without
                   dropping a conversation.
`

const siteHelp = `  --site DIR       with --serve: serve the site in DIR, which controls the access
                   to the agent. DIR is opened for each request, so renaming
                   a symbolic link over it replaces the site at once
`

const siteEnvironment = `
Environment of a site, which does not take AGENT_TOKEN:
AGENT_ACCESS: public (the default), password or supabase.
AGENT_PASSWORD, or AGENT_PASSWORD_HASH (pbkdf2:sha256:<iterations>:<salt>:<hash>).
SUPABASE_URL, SUPABASE_ANON_KEY: the project whose users may use the agent.
AGENT_STATE_KEY: a secret of at least 32 hexadecimal digits. Conversations and
sign-ins survive a restart with the same key.
AGENT_TRUSTED_PROXIES: the number of proxies in front of this program. Rate
limits then use the client address that the outermost proxy adds to
X-Forwarded-For.
Browsers keep the sign-in over https and on localhost only.
`

type options struct {
	message, serve, site       string
	approve, images            []string
	request, manifest, version bool
	json, mcp                  bool
}

// parse reads the flags, which may precede or follow the argument. It prints a
// usage error.
func (p Program) parse(arguments []string, stderr io.Writer) (options, string, error) {
	var opts options
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { p.printHelp(stderr) }
	flags.StringVar(&opts.message, "message", "", "")
	flags.Func("approve", "", func(tool string) error {
		opts.approve = append(opts.approve, strings.TrimSpace(tool))
		return nil
	})
	flags.Func("image", "", func(path string) error {
		opts.images = append(opts.images, path)
		return nil
	})
	flags.StringVar(&opts.serve, "serve", "", "")
	if p.Site != nil {
		flags.StringVar(&opts.site, "site", "", "")
	}
	flags.BoolVar(&opts.json, "json", false, "")
	flags.BoolVar(&opts.mcp, "mcp", false, "")
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
	if err := p.usageError(flags, opts, len(positional)); err != nil {
		fmt.Fprintf(stderr, "%s: %v (see --help)\n", p.Name, err)
		return opts, "", err
	}
	argument := ""
	if len(positional) > 0 {
		argument = positional[0]
	}
	return opts, argument, nil
}

// usageError returns what is wrong with the combination of the flags and the
// number of arguments, or nil.
func (p Program) usageError(flags *flag.FlagSet, opts options, count int) error {
	expected := 0
	if p.Argument != "" {
		expected = 1
	}
	modes, empty := 0, ""
	flags.Visit(func(f *flag.Flag) {
		if f.Name != "site" && f.Name != "json" && f.Name != "approve" && f.Name != "image" {
			modes++
		}
		if f.Name != "approve" && f.Name != "image" && strings.TrimSpace(f.Value.String()) == "" {
			empty = f.Name
		}
	})
	switch {
	case opts.version:
		return nil
	case count != expected:
		return fmt.Errorf("usage: %s", p.synopsis())
	case empty != "":
		// An unset variable of a script must not start a conversation, which would
		// wait for input.
		return fmt.Errorf("--%s is empty", empty)
	case slices.Contains(opts.approve, ""):
		return errors.New("--approve is empty")
	case len(opts.approve) > 0 && opts.message == "":
		return errors.New("--approve needs --message")
	case slices.Contains(opts.images, ""):
		return errors.New("--image is empty")
	case len(opts.images) > 0 && opts.message == "":
		return errors.New("--image needs --message")
	case opts.site != "" && opts.serve == "":
		return errors.New("--site needs --serve")
	case opts.json && opts.message == "":
		return errors.New("--json needs --message")
	case modes > 1:
		return errors.New("--message, --serve, --mcp, --request and --manifest exclude each other")
	}
	return nil
}

func (p Program) printHelp(out io.Writer) {
	flags, environment, replacing := "", "", takeOverHelp
	if p.Argument != "" {
		replacing = replaceHelp
	}
	if p.Site != nil {
		flags, environment = siteHelp, siteEnvironment
	}
	fmt.Fprintf(out, help, p.synopsis(), flags, environment, replacing)
}

func (p Program) synopsis() string {
	if p.Argument == "" {
		return p.Name + " [flags]"
	}
	return p.Name + " [flags] " + p.Argument
}
