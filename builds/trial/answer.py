"""Put an answer together from the events of an agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from agentforge.live import streams
from agentforge.redaction import Redactor
from builds.models import ChatMessage, MessageStatus

from .agent_run import Event

Publish = Callable[[dict[str, Any]], None]


class Answer:
    """Gather an answer from its events, and pass them on to the page as they come."""

    def __init__(self, message_id: int, publish: Publish, secrets: Sequence[str] = ()) -> None:
        self._message_id = message_id
        self._publish = publish
        self._redact = Redactor(secrets)
        self._pieces = self._redact.pieces()
        self.facts: dict[str, Any] = {
            "content": "",
            "tool_calls": [],
            "usage": {},
            "network": [],
            "error": "",
        }
        self.last: Event = {}

    def take(self, event: Event) -> None:
        """Take one event; the last one (done or error) is kept back until the answer is stored."""
        if event.get("type") == "token":
            self._take_text(self._pieces(str(event.get("text", ""))))
            return
        self._take_text(self._pieces.rest())
        clean: Event = self._redact.within(event)
        match clean.get("type"):
            case "tool_call":
                self.facts["tool_calls"].append({key: clean.get(key) for key in ("id", "name", "arguments")})
            case "tool_result":
                self._take_result(clean)
            case "usage":
                self.facts["usage"] = {key: clean.get(key) for key in ("input_tokens", "output_tokens")}
            case "network":
                self.facts["network"].append({key: clean.get(key) for key in ("host", "port", "allowed")})
            case "done":
                self.facts["content"] = str(clean.get("text") or self.facts["content"])
            case "error":
                self.facts["error"] = str(clean.get("message") or clean.get("code") or "The agent failed.")
        if clean.get("type") in ("done", "error"):
            self.last = clean
        else:
            self._tell(clean)

    def _take_text(self, text: str) -> None:
        """Pass on a piece of the answer's text, of which what may begin a secret is held back."""
        if text:
            self.facts["content"] += text
            self._tell({"type": "token", "text": text})

    def _tell(self, event: Event) -> None:
        self._publish({"kind": "chat", "message": self._message_id, "event": event})

    def _take_result(self, event: Event) -> None:
        for call in self.facts["tool_calls"]:
            if call["id"] == event.get("id"):
                call |= {key: event.get(key) for key in ("result", "error", "ms")}

    @property
    def status(self) -> MessageStatus:
        return MessageStatus.DONE if self.last.get("type") == "done" else MessageStatus.FAILED


def so_far(message: ChatMessage) -> int:
    """Fill an answer that is still coming with what its stream says; return the position that was read."""
    answer = Answer(message.pk, lambda _record: None)
    position = message.stream_seq
    for seq, record in streams.read(f"agent-{message.agent_id}", after=message.stream_seq):
        position = seq
        if record["kind"] == "chat" and record["message"] == message.pk:
            answer.take(record["event"])
    for name, value in answer.facts.items():
        setattr(message, name, value)
    return position
