"""Search the web as an agent would, to test the settings of its search."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from agentforge import outbound

from .search_providers import PROVIDERS, USUAL_RESULTS, SearchProvider, address_of

_SECONDS = 15.0
_LONGEST_SNIPPET = 1000
_LIMITED = (429, 432, 433)


class SearchFailed(Exception):
    """The service did not search; the message is for the person who asked."""


@dataclass(frozen=True)
class SearchResult:
    title: str
    url: str
    snippet: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def search(
    given: Mapping[str, Any], headers: Mapping[str, str], query: str, *, secret: str = ""
) -> list[SearchResult]:
    """Return what the service of a search's settings finds; `headers` carry its key, the `secret`.

    Raises SearchFailed.
    """
    provider = PROVIDERS[str(given["provider"])]
    reply = _ask(provider, address_of(given), headers, _fields(provider, given, query))
    try:
        said = json.loads(reply.body)
    except (ValueError, RecursionError):
        said = None
    if reply.status != 200:
        # Some services repeat the key that they refuse.
        raise SearchFailed(_refusal(provider, reply.status, _reason(provider, said, secret)))
    if not isinstance(said, dict):
        raise SearchFailed(f"{provider.label} answered with something that is not JSON.")
    pages: dict[str, SearchResult] = {}
    for result in _results(provider, given, said):
        pages.setdefault(result.url, result)
    return list(pages.values())[: given.get("count", USUAL_RESULTS)]


def _fields(provider: SearchProvider, given: Mapping[str, Any], query: str) -> dict[str, Any]:
    """Return the fields of a request; raises SearchFailed for a query that the service does not take."""
    allowed, excluded = given.get("allowed_hosts", []), given.get("excluded_hosts", [])
    query = " ".join(query.split())
    if allowed and not provider.allowed:
        query = f"{query} site:{' OR site:'.join(allowed)}"
    most = provider.limits
    if len(query) > most.characters or len(query.split()) > most.words:
        raise SearchFailed(
            f"{provider.label} takes {most.characters} characters and {most.words} words, with the allowed "
            "hosts. Search for a few words."
        )
    fields: dict[str, Any] = {provider.query: query, **provider.always}
    if provider.count:
        fields[provider.count] = provider.limits.results if excluded else given.get("count", USUAL_RESULTS)
    hosts = {provider.allowed: allowed, provider.excluded: excluded}
    return {**fields, **{name: value for name, value in hosts.items() if name and value}}


def _ask(
    provider: SearchProvider, address: str, headers: Mapping[str, str], fields: Mapping[str, Any]
) -> outbound.Reply:
    parts = urlsplit(address)
    url = parts._replace(path=parts.path.rstrip("/") + provider.path)
    all_headers = {"Accept": "application/json", **headers}
    content = b""
    if provider.method == "POST":
        content = json.dumps(fields).encode()
        all_headers["Content-Type"] = "application/json"
    else:
        url = url._replace(query=urlencode([*parse_qsl(parts.query), *fields.items()]))
    try:
        return outbound.fetch(
            provider.method, url.geturl(), headers=all_headers, content=content, seconds=_SECONDS
        )
    except outbound.OutboundError as error:
        raise SearchFailed(str(error)) from error


def _reason(provider: SearchProvider, said: Any, secret: str) -> str:
    reason = _visible(_at(said, provider.reason)) if provider.reason else ""
    return (reason.replace(secret, "[key removed]") if secret else reason)[:300]


def _refusal(provider: SearchProvider, status: int, reason: str) -> str:
    words = f" It says: {reason}" if reason else ""
    if 300 <= status < 400:
        return f"{provider.label} redirects to another address. Give that address."
    if status == 403 and provider.forbidden:
        return f"{provider.label} answered 403: {provider.forbidden}."
    if status in (401, 403):
        return f"{provider.label} wants a key, or refuses the one that it got ({status}).{words}"
    if status in _LIMITED:
        return f"{provider.label} takes no more searches now ({status}).{words}"
    return f"{provider.label} answered {status}.{words}"


def _results(
    provider: SearchProvider, given: Mapping[str, Any], said: Mapping[str, Any]
) -> Iterator[SearchResult]:
    entries = _at(said, provider.results)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and _is_wanted(given, url := _visible(entry.get("url"))):
            snippet = _line(entry.get(provider.snippet))[:_LONGEST_SNIPPET]
            yield SearchResult(_line(entry.get("title"))[:200], url, snippet)


def _at(value: Any, path: Sequence[str]) -> Any:
    """Return the value at a path of names, or None."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _is_wanted(given: Mapping[str, Any], url: str) -> bool:
    try:
        # As the settings name it: in ASCII.
        host = outbound.checked_url(url).raw_host.decode("ascii").lower().rstrip(".")
    except outbound.RefusedURL:
        return False
    names = {host[at:] for at in (0, *(match.end() for match in re.finditer(r"\.", host)))}
    allowed = given.get("allowed_hosts", [])
    return names.isdisjoint(given.get("excluded_hosts", [])) and (
        not allowed or not names.isdisjoint(allowed)
    )


def _line(value: Any) -> str:
    """Return text on one line, without what can't be seen: services escape it for pages."""
    return _visible(html.unescape(value) if isinstance(value, str) else "")


def _visible(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())
