// Package bundle is one particular agent: its configuration, the tools chosen
// for it, and the runtime that connects them. Everything that differs between
// two builds is in this directory.
//
// agent.json is the configuration and is embedded. Its capabilities.tools names
// the tools of the agent. For each of them, a builder copies tool_<name>.go,
// which does nothing but import the tool's package, and that package registers
// the tool in its init function. A tool that was not chosen is therefore not
// compiled in. At run time the tools named in agent.json are looked up in the
// registry, and a missing one makes the agent answer every request with an
// error.
//
// This directory has the files of a sample agent with all tools. files.json lists
// which files a builder copies.
package bundle
