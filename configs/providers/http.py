"""Translate a provider's response to `GET models` into one of the six outcomes of a key test."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from agentforge import outbound
from agentforge.formats import counted
from agentforge.tenancy.request_transaction import outside_transaction
from configs.choices import KeyStatus

from .base import Outcome

# A longer list is treated as unknown: a part of one would refuse the models that it lacks.
MAX_MODELS = 10_000
MAX_MODEL_LENGTH = 200
MAX_PAGES = 20
MAX_BYTES = 4 * 1024 * 1024

# Machine-readable codes that are more specific than the status.
_UNSCOPED = {"missing_scope", "insufficient_permissions", "permission_error", "permission_denied"}
_NO_CREDIT = {"insufficient_quota", "billing_not_active", "insufficient_balance", "billing_error"}
_INVALID = {"invalid_api_key", "api_key_invalid", "authentication_error"}


@dataclass(frozen=True)
class ModelList:
    """A provider's list of models: its URL, and the headers that carry the key, if there is one.

    `page_parameter` continues a list that has several pages with the last name of the page before.
    """

    label: str
    url: str
    key: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    page_parameter: str = ""
    seconds: float = outbound.SECONDS

    def test(self) -> Outcome:
        """List the models and return what the response says about the key; never raises.

        Uses the status and machine-readable codes: providers change the wording of their errors.
        """
        with outside_transaction():
            return self._test()

    def _test(self) -> Outcome:
        started = time.monotonic()
        outcome = self._fetch_pages()
        if outcome.status == KeyStatus.VALID and self.key and self._is_public():
            detail = (
                f"{self.label} lists its models without a key, so this test can't tell whether it accepts "
                "yours. Try the agent, or remove the key if the server needs none."
            )
            outcome = replace(outcome, status=KeyStatus.UNVERIFIED, detail=detail)
        return replace(outcome, ms=round((time.monotonic() - started) * 1000))

    def _fetch_pages(self) -> Outcome:
        names: set[str] = set()
        url = self.url
        for _ in range(MAX_PAGES):
            try:
                reply = self._fetch(url, self.key)
            except outbound.OutboundError as error:
                return Outcome(KeyStatus.UNREACHABLE, str(error))
            body = _json(reply.body)
            page = _models(body) if reply.status == 200 else None
            if page is None:
                return Outcome(*_refusal(self.label, reply.status, _codes(body)))
            names |= page
            url = self._next_page(body)
            if not url or len(names) > MAX_MODELS:
                break
        return self._valid(names)

    def _valid(self, names: set[str]) -> Outcome:
        if len(names) > MAX_MODELS:
            return Outcome(KeyStatus.VALID, f"{self.label} offers more than {MAX_MODELS:,} models.")
        offers = f"{self.label} offers {counted(len(names), 'model')}."
        return Outcome(KeyStatus.VALID, offers, tuple(sorted(names)))

    def _next_page(self, body: Any) -> str:
        last = body.get("last_id") if isinstance(body, dict) and body.get("has_more") is True else None
        if not self.page_parameter or not isinstance(last, str) or not last:
            return ""
        return f"{self.url}&{self.page_parameter}={quote(last, safe='')}"

    def _is_public(self) -> bool:
        """Return whether the server lists its models without the key: the list then proves nothing."""
        try:
            reply = self._fetch(self.url, {})
        except outbound.OutboundError:
            return False
        return reply.status == 200 and _models(_json(reply.body)) is not None

    def _fetch(self, url: str, key: Mapping[str, str]) -> outbound.Reply:
        headers = {"Accept": "application/json", **self.headers, **key}
        return outbound.fetch("GET", url, headers=headers, seconds=self.seconds, max_bytes=MAX_BYTES)


def _refusal(label: str, status: int, codes: set[str]) -> tuple[KeyStatus, str]:
    if codes & _UNSCOPED or (status == 403 and codes):
        return KeyStatus.UNSCOPED, f"{label} knows this key, but it may not list models ({status})."
    if status == 402 or codes & _NO_CREDIT:
        return KeyStatus.NO_CREDIT, f"{label} knows this key, but its account has no credit ({status})."
    if status == 429:
        return KeyStatus.RATE_LIMITED, f"{label} is limiting requests with this key (429): test it later."
    if status == 401 or codes & _INVALID:
        return KeyStatus.INVALID, f"{label} refused this key ({status})."
    if status == 200:
        return KeyStatus.UNREACHABLE, f"{label} answered, but not with a list of models."
    if 300 <= status < 400:
        return (
            KeyStatus.UNREACHABLE,
            f"{label} redirects to another address ({status}), which is not followed.",
        )
    if status == 404:
        return KeyStatus.UNREACHABLE, f"{label} has no list of models at this URL (404)."
    return KeyStatus.UNREACHABLE, f"{label} could not answer ({status}). The key may be right: test it later."


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _codes(body: Any) -> set[str]:
    """Return the codes of an error: OpenAI's `code` and `type`, Anthropic's `type`, Google's `status`."""
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return set()
    details = error.get("details")
    reasons = [d.get("reason") for d in details if isinstance(d, dict)] if isinstance(details, list) else []
    codes = [error.get("code"), error.get("type"), error.get("status"), *reasons]
    return {value.lower() for value in codes if isinstance(value, str)}


def _models(body: Any) -> set[str] | None:
    entries = body.get("data") if isinstance(body, dict) else body
    if not isinstance(entries, list):
        return None
    names = [entry.get("id") for entry in entries if isinstance(entry, dict)]
    return {name for name in names if isinstance(name, str) and _usable(name)}


def _usable(name: str) -> bool:
    return 0 < len(name) <= MAX_MODEL_LENGTH and name.isprintable()
