"""Assemble an answer from an agent's events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agentforge.live import records, streams
from agentforge.redaction import Redactor
from builds.models import ChatMessage, MessageStatus, fallback_note, finish_note
from configs.providers.prices import Used, cost_of

from .agent_run import Event
from .citations import clean_citations

Publish = Callable[[dict[str, Any]], None]

# More characters than any model gives at once; what follows is left out.
MOST_TEXT = 1_000_000
_MOST_HOSTS = 100
# Calls of one round.
_MOST_ASKED = 50
_LONGEST_MS = 24 * 60 * 60 * 1000


class Answer:
    """An answer built up from its events; each event is redacted and published as it arrives."""

    def __init__(
        self,
        message_id: int,
        publish: Publish,
        secrets: Sequence[str] = (),
        earlier: Mapping[str, Any] | None = None,
    ) -> None:
        self._message_id = message_id
        self._publish = publish
        self._redact = Redactor(secrets)
        self._pieces = self._redact.pieces()
        self.facts: dict[str, Any] = {
            "content": "",
            "tool_calls": [],
            "citations": [],
            "usage": {},
            "network": [],
            "error": "",
            "duration_ms": None,
            "approval": {},
            **(earlier or {}),
        }
        self.last: Event = {}
        # Whom the agent asks, and since when; unknown to those who read what was published.
        self._asked: tuple[str, str] | None = None
        self._began = 0.0
        self._first_token_ms: int | None = None
        self._room = MOST_TEXT
        self._is_cut = False

    def begin(self, document: str) -> None:
        """Start the clock of an answer by the agent of this canonical JSON."""
        provider = json.loads(document)["provider"]
        self._asked, self._began = (provider["code"], provider["model"]), time.monotonic()

    def add(self, event: Event) -> None:
        """Add one event; the last one (done or error) is not published until the answer is stored."""
        event = records.clean(event)
        # Sealed by the agent, and sent back to it as it is: nobody else reads it.
        if state := event.pop("state", None):
            self.facts["approval"] = {**self.facts["approval"], "state": str(state)}
        if event.get("type") == "token":
            if self._first_token_ms is None and self._asked:
                self._first_token_ms = round((time.monotonic() - self._began) * 1000)
            self._add_text(self._pieces(str(event.get("text", ""))))
            return
        self._add_text(self._pieces.rest())
        clean: Event = self._redact.within(event)
        if clean.get("type") in ("tool_call", "tool_result", "citations") and not self._has_room_for(
            str(clean)
        ):
            return
        match clean.get("type"):
            case "tool_call":
                self.facts["tool_calls"].append({key: clean.get(key) for key in ("id", "name", "arguments")})
            case "tool_result":
                self._add_result(clean)
            case "citations":
                self.facts["citations"] = clean_citations(clean.get("citations"))
            case "approval":
                self._add_approval(clean)
            case "resume":
                self.facts["approval"] = {}
            case "usage":
                clean |= self._worth(clean)
                known = [key for key in ("cost", "first_token_ms") if clean.get(key) is not None]
                tokens = ("input_tokens", "output_tokens")
                self.facts["usage"] |= {key: clean.get(key) for key in (*tokens, *known)}
            case "fallback":
                told = {key: str(clean.get(key) or "") for key in ("provider", "model", "reason")}
                self.facts["usage"]["fallback"] = told
                clean["note"] = fallback_note(told)
            case "network":
                self.facts["network"].append({key: clean.get(key) for key in ("host", "port", "allowed")})
            case "done":
                if clean.get("untrusted") is True:
                    self.facts["usage"]["links"] = _hosts(clean.get("links"))
                self.facts["content"] = self._whole(str(clean.get("text") or ""))
                self._add_finish(clean)
                self._add_duration(clean.get("ms"))
            case "error":
                self.facts["error"] = str(clean.get("message") or clean.get("code") or "The agent failed.")
        if clean.get("type") in ("done", "error"):
            self.last = clean
        else:
            self._publish_event(clean)

    def _worth(self, event: Event) -> dict[str, Any]:
        """Return what a usage event does not say itself: the cost, and the time to the first words."""
        if self._asked is None:
            return {}
        provider, model = self._asked
        by_model = event.get("models") or [{**event, "provider": provider, "model": model}]
        return {"cost": _cost(by_model), "first_token_ms": self._first_token_ms}

    def _has_room_for(self, text: str) -> bool:
        self._is_cut = self._is_cut or len(text) > self._room
        self._room = max(0, self._room - len(text))
        return not self._is_cut

    def _whole(self, text: str) -> str:
        """Return the text of a finished answer, which a hostile program need not have sent before."""
        self._is_cut = self._is_cut or len(text) > MOST_TEXT
        return text[:MOST_TEXT] or str(self.facts["content"])

    def _add_text(self, text: str) -> None:
        text, room = text[: self._room], len(text)
        self._is_cut = self._is_cut or room > self._room
        self._room -= len(text)
        if text:
            self.facts["content"] += text
            self._publish_event({"type": "token", "text": text})

    def _publish_event(self, event: Event) -> None:
        self._publish({"kind": "chat", "message": self._message_id, "event": event})

    def _add_finish(self, event: Event) -> None:
        """Store why the answer may be incomplete, and add the words for it to the event."""
        if self._is_cut:
            event |= {"finish": "length", "text": self.facts["content"]}
        if event.get("finish") not in (None, "", "stop"):
            self.facts["usage"] |= {"finish": str(event["finish"]), "reason": str(event.get("reason") or "")}
            event["note"] = finish_note(self.facts["usage"])

    def _add_duration(self, ms: object) -> None:
        """Store how long the answer took, if the agent gives a sensible number."""
        if isinstance(ms, int | float) and not isinstance(ms, bool) and 0 <= ms <= _LONGEST_MS:
            self.facts["duration_ms"] = round(ms)

    def _add_approval(self, event: Event) -> None:
        names = ("id", "tool", "arguments", "reason", "covers", "expires")
        asked = [*self.facts["approval"].get("asked", []), {name: event.get(name) for name in names}]
        self.facts["approval"] = {**self.facts["approval"], "asked": asked[:_MOST_ASKED]}

    def _add_result(self, event: Event) -> None:
        """Add a result to its call; models reuse ids, so to the first that has none."""
        calls = [call for call in self.facts["tool_calls"] if call["id"] == event.get("id")]
        for call in [call for call in calls if "result" not in call][:1]:
            call |= {key: event.get(key) for key in ("result", "error", "ms")}

    @property
    def status(self) -> MessageStatus:
        return MessageStatus.DONE if self.last.get("type") == "done" else MessageStatus.FAILED


def _hosts(value: Any) -> list[str]:
    """Return the hosts that an answer may link to, of an agent's word."""
    hosts = value if isinstance(value, list) else []
    return [host.lower() for host in hosts[:_MOST_HOSTS] if isinstance(host, str)]


def _cost(by_model: Any) -> str | None:
    """Return in words what the tokens of a usage event cost; None where that is not known."""
    try:
        used = [
            Used(
                str(each["provider"]),
                str(each["model"]),
                int(each["input_tokens"]),
                int(each["output_tokens"]),
            )
            for each in by_model
        ]
    except (LookupError, TypeError, ValueError):
        return None
    cost = cost_of(used)
    return f"about {cost.words} by prices of {cost.as_of}" if cost and cost.dollars else None


def load_partial(message: ChatMessage) -> int:
    """Fill an unfinished answer from its stream and return the stream position that was read."""
    answer = Answer(message.pk, lambda _record: None)
    position = message.stream_seq
    for seq, record in streams.read(f"agent-{message.agent_id}", after=message.stream_seq):
        position = seq
        if record["kind"] == "chat" and record["message"] == message.pk:
            answer.add(record["event"])
    for name, value in answer.facts.items():
        setattr(message, name, value)
    finished = ChatMessage.objects.filter(pk=message.pk, finished_at__isnull=False)
    if answer.last and finished.exists():
        # It ended after its row was read; the row and the event were stored at once.
        message.refresh_from_db(fields=["status", "finished_at", *answer.facts])
    return position
