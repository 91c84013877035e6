"""Ask a provider something with a key, and translate its response into one of the six outcomes of a test."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from agentforge import outbound
from agentforge.formats import counted
from agentforge.tenancy.request_transaction import outside_transaction
from configs.choices import KeyStatus

from .base import Outcome
from .model_names import model_names
from .refusals import codes_of, refusal

# A longer list is treated as unknown: a part of one would refuse the models that it lacks.
MAX_MODELS = 10_000
MAX_PAGES = 20
MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Question:
    """A request to a provider: its URL, and the headers that carry the key, if there is one."""

    label: str
    url: str
    key: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    seconds: float = outbound.SECONDS

    def test(self) -> Outcome:
        """Ask and return what the response says about the key; never raises.

        Uses the status and machine-readable codes: providers change the wording of their errors.
        """
        started = time.monotonic()
        with outside_transaction():
            try:
                outcome = self._ask()
            except outbound.OutboundError as error:
                outcome = Outcome(KeyStatus.UNREACHABLE, str(error))
        return replace(outcome, ms=round((time.monotonic() - started) * 1000))

    def _ask(self) -> Outcome:
        raise NotImplementedError

    def _fetch(self, url: str, key: Mapping[str, str]) -> outbound.Reply:
        headers = {"Accept": "application/json", **self.headers, **key}
        if self.method == "POST":
            headers["Content-Length"] = "0"
        return outbound.fetch(self.method, url, headers=headers, seconds=self.seconds, max_bytes=MAX_BYTES)


@dataclass(frozen=True)
class Proof(Question):
    """A request that a provider answers only with a right key.

    A field of the answer with the value in `invalid_if` or `no_credit_if` says what is wrong with the key;
    `invalid_statuses` are those of a wrong key beside 401.
    """

    invalid_if: Mapping[str, Any] = field(default_factory=dict)
    no_credit_if: Mapping[str, Any] = field(default_factory=dict)
    invalid_statuses: Collection[int] = ()

    def _ask(self) -> Outcome:
        reply = self._fetch(self.url, self.key)
        body = _json(reply.body)
        if reply.status in self.invalid_statuses:
            return Outcome(KeyStatus.INVALID, f"{self.label} refused this key ({reply.status}).")
        if reply.status != 200 or not isinstance(body, dict):
            return Outcome(*refusal(self.label, reply.status, codes_of(body), "what it says about a key"))
        if _has_any(body, self.invalid_if):
            return Outcome(KeyStatus.INVALID, f"{self.label} says that this key is not valid.")
        if _has_any(body, self.no_credit_if):
            return Outcome(
                KeyStatus.NO_CREDIT, f"{self.label} knows this key, but its account has no credit."
            )
        return Outcome(KeyStatus.VALID, f"{self.label} accepts this key.")


@dataclass(frozen=True)
class ModelList(Question):
    """A provider's list of models.

    `page_parameter` continues a list that has several pages, `keep` is a field and its value in the models
    that chat. A list that is no proof of a key is not asked for again without it, and one whose models are
    not offered names others than those that a request does.
    """

    page_parameter: str = ""
    keep: Mapping[str, Any] = field(default_factory=dict)
    is_proof: bool = True
    are_offered: bool = True

    def _ask(self) -> Outcome:
        outcome = self._fetch_pages()
        if outcome.status == KeyStatus.VALID and self.is_proof and self.key and self._is_public():
            detail = (
                f"{self.label} lists its models without a key, so this test can't tell whether it accepts "
                "yours. Try the agent, or remove the key if the server needs none."
            )
            return replace(outcome, status=KeyStatus.UNVERIFIED, detail=detail)
        return outcome

    def _fetch_pages(self) -> Outcome:
        names: set[str] = set()
        url = self.url
        for _ in range(MAX_PAGES):
            reply = self._fetch(url, self.key)
            body = _json(reply.body)
            page = model_names(body, self.keep) if reply.status == 200 else None
            if page is None:
                return Outcome(*refusal(self.label, reply.status, codes_of(body), "a list of models"))
            names |= page
            url = self._next_page(body)
            if not url or len(names) > MAX_MODELS:
                break
        return self._valid(names)

    def _valid(self, names: set[str]) -> Outcome:
        if not self.are_offered:
            return Outcome(KeyStatus.VALID, f"{self.label} accepts this key.")
        if len(names) > MAX_MODELS:
            return Outcome(KeyStatus.VALID, f"{self.label} offers more than {MAX_MODELS:,} models.")
        offers = f"{self.label} offers {counted(len(names), 'model')}."
        return Outcome(KeyStatus.VALID, offers, tuple(sorted(names)))

    def _next_page(self, body: Any) -> str:
        if not self.page_parameter or not isinstance(body, dict):
            return ""
        last = body.get("last_id") if body.get("has_more") is True else None
        token = last or body.get("nextPageToken") or body.get("next_page_token")
        if not isinstance(token, str) or not token:
            return ""
        return f"{self.url}&{self.page_parameter}={quote(token, safe='')}"

    def _is_public(self) -> bool:
        """Return whether the server lists its models without the key: the list then proves nothing."""
        try:
            reply = self._fetch(self.url, {})
        except outbound.OutboundError:
            return False
        return reply.status == 200 and model_names(_json(reply.body)) is not None


def _has_any(body: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    # By identity: the number 0 is not False.
    return any(body.get(name) is value for name, value in values.items())


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
