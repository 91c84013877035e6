"""A conversation as a file that can be given to somebody: what was said, by whom, with what; no key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from agentforge.accounts.belongings import as_json_list
from agentforge.redaction import Redactor
from builds.models import ChatMessage
from configs.keys.vault import values_to_redact
from configs.models import AgentConfig

from .markdown import visible

# Each may be a megabyte.
MESSAGES_AT_ONCE = 5


def as_json(agent: AgentConfig, title: str, messages: Iterable[ChatMessage]) -> Iterator[str]:
    """Yield a conversation as JSON: {"agent", "title", "messages": […]}."""
    redact = _redactor(agent)
    head = redact.within({"agent": {"name": agent.name, "handle": agent.handle}, "title": title})
    yield json.dumps(head, indent=2, ensure_ascii=False).removesuffix("\n}")
    yield ',\n  "messages": '
    yield from as_json_list(redact.within(_facts(message)) for message in messages)
    yield "\n}\n"


def as_markdown(agent: AgentConfig, title: str, messages: Iterable[ChatMessage]) -> Iterator[str]:
    """Yield a conversation as Markdown; answers as the agent gave them."""
    redact = _redactor(agent)
    yield visible(f"# {redact(title)}\n")
    for message in messages:
        yield visible(f"\n{_said(redact.within(_facts(message)))}\n")


def _redactor(agent: AgentConfig) -> Redactor:
    return Redactor(values_to_redact(agent.owner_id))


def _facts(message: ChatMessage) -> dict[str, Any]:
    names = ("role", "content", "status", "tool_calls", "citations", "usage", "duration_ms", "error")
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
