"""A conversation as a file that can be given to somebody: what was said, by whom, with what; no key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from agentforge.redaction import Redactor
from builds.models import ChatMessage
from configs.keys.vault import values_to_redact
from configs.models import AgentConfig

from .markdown import visible


def as_json(agent: AgentConfig, title: str, messages: Sequence[ChatMessage]) -> str:
    """Return a conversation as JSON: {"agent", "title", "messages": […]}."""
    document = {
        "agent": {"name": agent.name, "handle": agent.handle},
        "title": title,
        "messages": [_facts(message) for message in messages],
    }
    return json.dumps(_redactor(agent).within(document), indent=2, ensure_ascii=False) + "\n"


def as_markdown(agent: AgentConfig, title: str, messages: Sequence[ChatMessage]) -> str:
    """Return a conversation as Markdown; answers as the agent gave them."""
    redact = _redactor(agent)
    pieces = [
        f"# {redact(title)}",
        *(_said(redact.within(_facts(message))) for message in messages),
    ]
    return visible("\n\n".join(pieces) + "\n")


def _redactor(agent: AgentConfig) -> Redactor:
    return Redactor(values_to_redact(agent.owner_id))


def _facts(message: ChatMessage) -> dict[str, Any]:
    names = ("role", "content", "status", "tool_calls", "usage", "duration_ms", "error")
    facts = {name: getattr(message, name) for name in names}
    return {**facts, "speaker": message.speaker or "You", "at": message.created_at.isoformat()}


def _said(facts: dict[str, Any]) -> str:
    pieces = [f"## {facts['speaker']}, {facts['at'][:16].replace('T', ' ')}"]
    pieces += [_call(call) for call in facts["tool_calls"]]
    pieces += [facts["content"], f"*{facts['error']}*" if facts["error"] else ""]
    return "\n\n".join(filter(None, pieces))


def _call(call: dict[str, Any]) -> str:
    body = json.dumps({"arguments": call.get("arguments"), "result": call.get("result")}, ensure_ascii=False)
    # Longer than any fence that a result may hold.
    fence = "`" * (max(3, body.count("`") + 1))
    return f"Tool {call.get('name')}:\n\n{fence}json\n{body}\n{fence}"
