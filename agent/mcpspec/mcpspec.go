// Package mcpspec has what a client and a server of the Model Context Protocol agree on.
package mcpspec

// Modern is the newest version, which has no handshake.
const Modern = "2026-07-28"

// Legacy are the versions before it, which negotiate one in initialize; the newest first.
var Legacy = []string{"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}

// The keys of _meta in the newest version: those that the params of every request carry,
// and that of a server's answers.
const (
	MetaVersion      = "io.modelcontextprotocol/protocolVersion"
	MetaCapabilities = "io.modelcontextprotocol/clientCapabilities"
	MetaClientInfo   = "io.modelcontextprotocol/clientInfo"
	MetaServerInfo   = "io.modelcontextprotocol/serverInfo"
)

// Codes of errors: JSON-RPC's, then the protocol's own.
const (
	CodeParse          = -32700
	CodeInvalidRequest = -32600
	CodeNoMethod       = -32601
	CodeInvalidParams  = -32602
	CodeHeaderMismatch = -32020
	CodeBadVersion     = -32022
)
