"""Stand in for an MCP server that answers in JSON: `modern` (2026-07-28), or with a handshake.

Set `tools` to what it lists and `key` to the only one that it accepts; `called` keeps the arguments of calls.
https://modelcontextprotocol.io/specification
"""

from __future__ import annotations

from typing import Any

from .server import Answer, Asked, StandIn, as_json

_META = "io.modelcontextprotocol/protocolVersion"


def tool(name: str, description: str = "Finds tickets.", **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}, "additionalProperties": False}
    return {"name": name, "description": description, "inputSchema": schema, **more}


class MCPStandIn(StandIn):
    def __init__(self, key: str = "", *, modern: bool = True) -> None:
        super().__init__()
        self.key, self.modern = key, modern
        self.tools = [tool("find", annotations={"readOnlyHint": True}), tool("close.it", "Closes a ticket.")]
        self.called: list[dict[str, Any]] = []
        # The session that it gives; it breaks the connection off when somebody ends it.
        self.session = ""
        self.result: dict[str, Any] = {"content": [{"type": "text", "text": "Ticket 7 is open."}]}

    @property
    def url(self) -> str:
        return f"{self.origin}/mcp"

    def answer(self, asked: Asked) -> Answer:
        if asked.method == "DELETE":
            return Answer(reset=True)
        if self.key and asked.headers.get("authorization") != f"Bearer {self.key}":
            return as_json({"error": "unauthorized"}, 401)
        message = asked.json or {}
        if (_META in message.get("params", {}).get("_meta", {})) != self.modern:
            error = {"code": -32600, "message": "not in this version"}
            return as_json({"jsonrpc": "2.0", "id": None, "error": error}, 400)
        if "id" not in message:
            return Answer(202)
        result = self._result(message["method"], message.get("params", {}))
        reply = as_json({"jsonrpc": "2.0", "id": message["id"], "result": result})
        if self.session:
            reply.headers["Mcp-Session-Id"] = self.session
        return reply

    def _result(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "server/discover":
            return {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
        if method == "initialize":
            return {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "serverInfo": {"name": "t", "version": "1"},
            }
        if method == "tools/list":
            return {"tools": self.tools}
        self.called.append(params["arguments"])
        return self.result
