"""A conversation as a file that can be given to somebody: what was said, by whom, with what; no key."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from agentforge.accounts.belongings import as_json_list
from agentforge.redaction import Redactor
from builds.models import ChatImage, ChatMessage
from configs.keys.vault import values_to_redact
from configs.models import AgentConfig

from . import images
from .markdown import visible

# Each may be a megabyte.
MESSAGES_AT_ONCE = 5


def as_json(agent: AgentConfig, title: str, messages: QuerySet[ChatMessage]) -> Iterator[str]:
    """Yield a conversation as JSON: {"agent", "title", "messages": […]}."""
    redact = _redactor(agent)
    head = redact.within({"agent": {"name": agent.name, "handle": agent.handle}, "title": title})
    yield json.dumps(head, indent=2, ensure_ascii=False).removesuffix("\n}")
    yield ',\n  "messages": '
    yield from as_json_list(_messages(messages, redact))
    yield "\n}\n"


def as_markdown(agent: AgentConfig, title: str, messages: QuerySet[ChatMessage]) -> Iterator[str]:
    """Yield a conversation as Markdown; answers as the agent gave them."""
    redact = _redactor(agent)
    yield visible(f"# {redact(title)}\n")
    for facts in _messages(messages, redact):
        yield visible(f"\n{_said(facts)}\n")


def _redactor(agent: AgentConfig) -> Redactor:
    return Redactor(values_to_redact(agent.owner_id))


def _messages(messages: QuerySet[ChatMessage], redact: Redactor) -> Iterator[dict[str, Any]]:
    """Yield what is written of each message; of the images the newest, since a chat may have gigabytes."""
    newest = images.newest_in(messages)
    for message in messages.iterator(MESSAGES_AT_ONCE):
        facts = redact.within(_facts(message))
        if message.images:
            rows = ChatImage.objects.filter(message=message, pk__in=newest).order_by("number")
            facts["images"] = [
                {"media_type": row.media_type, "data": base64.b64encode(row.content).decode()} for row in rows
            ]
            facts["images_left_out"] = message.images - len(facts["images"])
        yield facts


def _facts(message: ChatMessage) -> dict[str, Any]:
    names = ("role", "content", "status", "tool_calls", "citations", "usage", "duration_ms", "error")
    facts = {name: getattr(message, name) for name in names}
    return {**facts, "speaker": message.speaker or "You", "at": message.created_at.isoformat()}


def _said(facts: dict[str, Any]) -> str:
    pieces = [f"## {facts['speaker']}, {facts['at'][:16].replace('T', ' ')}"]
    pieces += [_call(call) for call in facts["tool_calls"]]
    pieces += [facts["content"], f"*{facts['error']}*" if facts["error"] else ""]
    for number, image in enumerate(facts.get("images", []), 1):
        pieces.append(f"![Image {number}](data:{image['media_type']};base64,{image['data']})")
    if left_out := facts.get("images_left_out"):
        pieces.append(f"*Images that are only in the chat, because this file would be too large: {left_out}*")
    return "\n\n".join(filter(None, pieces))


def _call(call: dict[str, Any]) -> str:
    body = json.dumps({"arguments": call.get("arguments"), "result": call.get("result")}, ensure_ascii=False)
    # Longer than any fence that a result may hold.
    fence = "`" * (max(3, body.count("`") + 1))
    return f"Tool {call.get('name')}:\n\n{fence}json\n{body}\n{fence}"
