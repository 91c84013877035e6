"""What a stand-in sends by OpenAI's Responses protocol, whole or streamed.

Bodies after https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .replies import INPUT_TOKENS, OUTPUT_TOKENS, Calls, Text

_USAGE = {
    "input_tokens": INPUT_TOKENS,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
}


def last_words(request: dict[str, Any]) -> str:
    last = request["input"][-1]
    return str(last.get("content") or last.get("output") or "")


def whole(model: str, reply: Text | Calls) -> dict[str, Any]:
    cut = isinstance(reply, Text) and reply.finish == "length"
    return {
        "id": "resp_1",
        "object": "response",
        "model": model,
        "status": "incomplete" if cut else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "output": list(_items(reply)),
        "usage": _USAGE,
    }


def _items(reply: Text | Calls) -> Iterator[dict[str, Any]]:
    if isinstance(reply, Text):
        part = {"type": "output_text", "text": "".join(reply.pieces), "annotations": []}
        yield {"type": "message", "id": "msg_1", "role": "assistant", "content": [part]}
        return
    yield {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAABk=="}
    for number, call in enumerate(reply.calls):
        head = {"type": "function_call", "id": f"fc_{number}", "status": "completed"}
        yield {**head, "call_id": call.id, "name": call.name, "arguments": json.dumps(call.arguments)}


def events(request: dict[str, Any], reply: Text | Calls) -> Iterator[bytes]:
    final = whole(request["model"], reply)
    begun = {**final, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    yield _event("response.created", response=begun)
    for index, item in enumerate(final["output"]):
        yield _event("response.output_item.added", output_index=index, item=item)
        pieces = reply.pieces if isinstance(reply, Text) else ()
        for piece in pieces:
            yield _event("response.output_text.delta", output_index=index, content_index=0, delta=piece)
        yield _event("response.output_item.done", output_index=index, item=item)
    yield _event(f"response.{final['status']}", response=final)


def _event(kind: str, **content: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **content})}\n\n".encode()
