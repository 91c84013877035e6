"""Read the card of another agent, as an agent would: A2A 1.0 or 0.3, over JSON-RPC.

https://a2a-protocol.org/latest/specification/
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
from django.core.exceptions import ValidationError

from agentforge import outbound

from .agent_validation import PROTOCOLS, clean_card, origin
from .offers import OfferedTool
from .service_validation import check_storable, clean_url

_SECONDS = 15.0
_MAX_BYTES = 256 * 1024
_GET_TASK = {"1.0": "GetTask", "0.3": "tasks/get"}
# What a card is pinned by, in words.
_PINNED = {
    "name": "its name",
    "description": "its description",
    "skills": "its skills",
    "endpoint": "its address",
    "protocol": "its version of the protocol",
}


class CardRefused(Exception):
    """The agent can't be asked; the message is for the person who tested it."""


def read_card(service: str, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the card at an address as agent.json has it; `headers` carry the agent's key.

    Raises CardRefused.
    """
    reply = _fetch("GET", url, headers)
    if reply.status != 200:
        raise CardRefused(_refusal(reply.status, "its card"))
    try:
        card = json.loads(reply.body)
    except (ValueError, RecursionError):
        card = None
    if not isinstance(card, dict):
        raise CardRefused(
            "There is no agent card at this address: it answered with something that is not JSON."
        )
    endpoint, protocol = _place(card, url)
    given = {key: card.get(key) for key in ("name", "description", "skills")}
    try:
        pinned = clean_card(service, url, {**given, "endpoint": clean_url(endpoint), "protocol": protocol})
        check_storable(pinned["name"], pinned)
    except ValidationError as error:
        raise CardRefused(" ".join(error.messages)) from error
    _check_key(pinned, headers)
    return pinned


def offered_card(card: Mapping[str, Any], chosen: Sequence[Mapping[str, Any]]) -> OfferedTool:
    """Return a card beside the one that an agent has, if it has one; `reason` says what changed."""
    if not chosen:
        return OfferedTool(card, "new")
    changes = [words for key, words in _PINNED.items() if card[key] != chosen[0][key]]
    reason = ", ".join(changes).capitalize()
    return OfferedTool(card, "changed" if changes else "chosen", reason=reason)


def _place(card: Mapping[str, Any], url: str) -> tuple[str, str]:
    """Return the address and the version by which an agent is asked."""
    places = [place for place in _places(card) if place[1] in PROTOCOLS]
    if not places:
        raise CardRefused("The agent can't be asked over JSON-RPC in version 1.0 or 0.3 of the protocol.")
    near = [place for place in places if _origin(place[0]) == origin(url)]
    if not near:
        raise CardRefused(
            f"The agent answers at {places[0][0][:200]}, which is not the host of its card. "
            "Give the address of a card at that host."
        )
    return min(near, key=lambda place: PROTOCOLS.index(place[1]))


def _places(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return each address for JSON-RPC with its version, in the card's order."""
    for each in _objects(card.get("supportedInterfaces")):
        if each.get("protocolBinding") == "JSONRPC" and not each.get("tenant"):
            yield str(each.get("url")), _version(each.get("protocolVersion"))
    if _version(card.get("protocolVersion")) == "0.3":
        if card.get("preferredTransport", "JSONRPC") == "JSONRPC" and card.get("url"):
            yield str(card["url"]), "0.3"
        for each in _objects(card.get("additionalInterfaces")):
            if each.get("transport") == "JSONRPC":
                yield str(each.get("url")), "0.3"


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _version(value: Any) -> str:
    """Return a version without the number of its patch, which is not on the wire."""
    return ".".join(value.split(".")[:2]) if isinstance(value, str) else ""


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        return origin(url)
    except httpx.InvalidURL:
        return None


def _check_key(card: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Ask for a task that does not exist, which costs nothing: only who has the key is told so."""
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": _GET_TASK[card["protocol"]],
        "params": {"id": secrets.token_hex(16)},
    }
    all_headers = {"Content-Type": "application/json", "A2A-Version": card["protocol"], **headers}
    reply = _fetch("POST", card["endpoint"], all_headers, json.dumps(message).encode())
    try:
        said = json.loads(reply.body)
    except (ValueError, RecursionError):
        said = None
    if reply.status in (401, 403) or not isinstance(said, dict) or "jsonrpc" not in said:
        raise CardRefused(_refusal(reply.status, "a question"))


def _fetch(method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> outbound.Reply:
    all_headers = {"Accept": "application/json", **headers}
    try:
        return outbound.fetch(
            method, url, headers=all_headers, content=content, seconds=_SECONDS, max_bytes=_MAX_BYTES
        )
    except outbound.OutboundError as error:
        raise CardRefused(str(error)) from error


def _refusal(status: int, what: str) -> str:
    if status in (401, 403):
        return f"The agent wants a key, or refuses the one that it got ({status})."
    if 300 <= status < 400:
        return "The agent redirects to another address. Give that address."
    return f"The agent answered {status} to a request for {what}, and nothing of the protocol."
