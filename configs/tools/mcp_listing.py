"""Ask an MCP server for its tools, as the agent would: both eras of the protocol, over streamable HTTP.

https://modelcontextprotocol.io/specification: up to 2025-11-25 with a handshake, 2026-07-28 without.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from agentforge import outbound

MODERN = "2026-07-28"
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
_META = "io.modelcontextprotocol/"
_CLIENT = {"name": "agentforge", "version": "1.0"}
_BAD_VERSION = -32022
_SECONDS = 20.0
_MOST_PAGES = 50
_MOST_TOOLS = 500


class ListingFailed(Exception):
    """The server did not list its tools; the message is for the person who asked."""


@dataclass(frozen=True)
class Listing:
    """The tools as the server lists them, each with name, description and inputSchema."""

    protocol: str
    tools: list[dict[str, Any]]


@dataclass
class _Connection:
    url: str
    headers: Mapping[str, str]
    deadline: float
    protocol: str = ""
    session: str = ""
    number: int = field(default=0)

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the result of a request. Raises _Refused for an error, ListingFailed without an answer."""
        self.number += 1
        if self.protocol == MODERN:
            params = {
                **params,
                "_meta": {
                    f"{_META}protocolVersion": MODERN,
                    f"{_META}clientCapabilities": {},
                    f"{_META}clientInfo": _CLIENT,
                },
            }
        reply = self._post({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        answer = next((each for each in _messages(reply) if _answers(each, self.number)), None)
        if reply.status in (401, 403):
            raise ListingFailed("The server wants a key, or refuses the one that it got.")
        if 300 <= reply.status < 400:
            raise ListingFailed("The server redirects to another address. Give that address.")
        if answer is None:
            raise _Refused(f"The server answered {reply.status}, and nothing of the protocol.")
        if isinstance(error := answer.get("error"), dict):
            raise _Refused(f"The server answered: {str(error.get('message'))[:300]}", error)
        if method == "initialize":
            self.session = reply.headers.get("mcp-session-id", "")
        result = answer.get("result")
        return result if isinstance(result, dict) else {}

    def notify(self, method: str) -> None:
        self._post({"jsonrpc": "2.0", "method": method})

    def close(self) -> None:
        """End the session, if there is one; the server may refuse, or be gone."""
        if self.session:
            with suppress(ListingFailed):
                self._send("DELETE", b"", {})

    def _post(self, message: Mapping[str, Any]) -> outbound.Reply:
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if self.protocol == MODERN:
            headers["Mcp-Method"] = message["method"]
        return self._send("POST", json.dumps(message).encode(), headers)

    def _send(self, method: str, content: bytes, headers: dict[str, str]) -> outbound.Reply:
        if self.protocol:
            headers["MCP-Protocol-Version"] = self.protocol
        if self.session:
            headers["Mcp-Session-Id"] = self.session
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise ListingFailed(f"The server did not list its tools within {_SECONDS:g} seconds.")
        try:
            return outbound.fetch(
                method, self.url, headers={**headers, **self.headers}, content=content, seconds=left
            )
        except outbound.OutboundError as error:
            raise ListingFailed(str(error)) from error


class _Refused(ListingFailed):
    def __init__(self, message: str, error: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.error = error or {}


def list_tools(url: str, headers: Mapping[str, str]) -> Listing:
    """Return the tools of the server at an address; `headers` carry its key.

    Raises ListingFailed.
    """
    connection = _Connection(url, headers, time.monotonic() + _SECONDS)
    if not _is_modern(connection):
        _initialize(connection)
    try:
        return Listing(connection.protocol, list(_all_tools(connection)))
    finally:
        connection.close()


def _is_modern(connection: _Connection) -> bool:
    """Find whether the server speaks the version without a handshake: any error may mean that it doesn't."""
    connection.protocol = MODERN
    try:
        versions = connection.ask("server/discover", {}).get("supportedVersions")
        if isinstance(versions, list) and MODERN in versions:
            return True
    except _Refused as refusal:
        if refusal.error.get("code") == _BAD_VERSION and not _knows_legacy(refusal.error):
            raise ListingFailed(
                "The server speaks none of the protocol's versions that agents know."
            ) from refusal
    connection.protocol = ""
    return False


def _knows_legacy(error: Mapping[str, Any]) -> bool:
    data = error.get("data")
    supported = data.get("supported") if isinstance(data, dict) else None
    return isinstance(supported, list) and any(version in LEGACY for version in supported)


def _initialize(connection: _Connection) -> None:
    result = connection.ask(
        "initialize", {"protocolVersion": LEGACY[0], "capabilities": {}, "clientInfo": _CLIENT}
    )
    version = result.get("protocolVersion")
    if version not in LEGACY:
        raise ListingFailed(f"The server wants version {str(version)[:40]} of the protocol, unknown here.")
    connection.protocol = version
    connection.notify("notifications/initialized")


def _all_tools(connection: _Connection) -> Iterator[dict[str, Any]]:
    params: dict[str, Any] = {}
    number = 0
    for _ in range(_MOST_PAGES):
        page = connection.ask("tools/list", params)
        tools = page.get("tools")
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and isinstance(tool.get("name"), str) and number < _MOST_TOOLS:
                number += 1
                yield tool
        if not isinstance(page.get("nextCursor"), str):
            return
        params = {"cursor": page["nextCursor"]}


def _messages(reply: outbound.Reply) -> Iterator[dict[str, Any]]:
    """Return the messages in a body: JSON, or the events of a stream."""
    text = reply.body.decode("utf-8", "replace")
    if reply.headers.get("content-type", "").startswith("text/event-stream"):
        blocks = text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n")
        bodies = [
            "\n".join(line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:"))
            for block in blocks
        ]
    else:
        bodies = [text]
    for body in bodies:
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            continue
        if isinstance(message, dict):
            yield message


def _answers(message: Mapping[str, Any], number: int) -> bool:
    is_answer = "result" in message or "error" in message
    return is_answer and (message.get("id") == number or (message.get("id") is None and "error" in message))
