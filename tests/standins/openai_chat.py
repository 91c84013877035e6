"""What a stand-in sends by OpenAI's protocol of chat completions, whole or streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .replies import INPUT_TOKENS, OUTPUT_TOKENS, Call, Calls, Text

USAGE = {
    "prompt_tokens": INPUT_TOKENS,
    "completion_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
}


def last_words(request: dict[str, Any]) -> str:
    return request["messages"][-1]["content"] or ""


def _head(model: str, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": model}


def _tool_call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}


def whole(model: str, reply: Text | Calls) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if isinstance(reply, Text):
        message["content"] = "".join(reply.pieces)
    else:
        message["tool_calls"] = [_tool_call(call) for call in reply.calls]
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    return {**_head(model, "chat.completion"), "choices": [choice], "usage": USAGE}


def _finish(reply: Text | Calls) -> str:
    return reply.finish if isinstance(reply, Text) else "tool_calls"


def events(request: dict[str, Any], reply: Text | Calls) -> Iterator[bytes]:
    model, options = request["model"], request.get("stream_options") or {}
    head = _head(model, "chat.completion.chunk")
    for delta in _deltas(reply):
        yield _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish(reply)}]})
    if options.get("include_usage"):
        yield _event({**head, "choices": [], "usage": USAGE})
    yield b"data: [DONE]\n\n"


def _deltas(reply: Text | Calls) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": "" if isinstance(reply, Text) else None}
    if isinstance(reply, Text):
        yield from ({"content": piece} for piece in reply.pieces)
        return
    for index, call in enumerate(reply.calls):
        whole = _tool_call(call)
        arguments = whole["function"]["arguments"]
        whole["function"]["arguments"] = ""
        yield {"tool_calls": [{"index": index, **whole}]}
        # Arguments arrive in pieces that are no JSON by themselves.
        half = len(arguments) // 2
        for piece in (arguments[:half], arguments[half:]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"
