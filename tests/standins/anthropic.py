"""Stand in for Anthropic: `GET /v1/models`, `POST /v1/messages` whole or streamed.

Set `mode` to an outcome of a key test, or `replies` to what the model says next; without replies it repeats
the last message. Paths and bodies after https://docs.anthropic.com/en/api/
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from .bends import REFUSING, Bend, bent
from .replies import INPUT_TOKENS, OUTPUT_TOKENS, Call, Calls, Failure, Reply, Stream, Text
from .server import Answer, Asked, StandIn, as_html, as_json

Mode = Literal["ok", "invalid", "unscoped", "no_credit", "rate_limited", "html"]

_REFUSALS: dict[str, tuple[int, str]] = {
    "invalid": (401, "authentication_error"),
    "unscoped": (403, "permission_error"),
    "no_credit": (402, "billing_error"),
    "rate_limited": (429, "rate_limit_error"),
}


class AnthropicStandIn(StandIn):
    def __init__(self, key: str = "sk-ant-api03-0123456789abcdef") -> None:
        super().__init__()
        self.key = key
        self.mode: Mode = "ok"
        self.models = ["claude-x", "claude-x-mini"]
        self.replies: deque[Reply] = deque()
        # How the next answers go wrong.
        self.bends: deque[Bend | None] = deque()

    @property
    def url(self) -> str:
        return self.origin

    def answer(self, asked: Asked) -> Answer:
        if self.mode == "html":
            return as_html(502)
        if self.mode != "ok":
            return error(*_REFUSALS[self.mode], "Refused.")
        if asked.headers.get("x-api-key") != self.key:
            return error(401, "authentication_error", "invalid x-api-key")
        if "anthropic-version" not in asked.headers:
            return error(400, "invalid_request_error", "anthropic-version: header is required")
        match asked.method, urlsplit(asked.path).path:
            case "GET", "/v1/models":
                return self._models(dict(parse_qsl(urlsplit(asked.path).query)))
            case "POST", "/v1/messages":
                return self._message(asked.json)
        return error(404, "not_found_error", "Not found")

    def _models(self, query: dict[str, str]) -> Answer:
        start = self.models.index(query["after_id"]) + 1 if "after_id" in query else 0
        page = self.models[start : start + int(query.get("limit", "20"))]
        entries = [{"type": "model", "id": name, "display_name": name} for name in page]
        more = start + len(page) < len(self.models)
        return as_json({"data": entries, "has_more": more, "last_id": page[-1] if page else None})

    def _message(self, request: dict[str, Any]) -> Answer:
        reply = self.replies.popleft() if self.replies else Text.of(f"You said: {_last_words(request)}")
        if isinstance(reply, Failure):
            return error(reply.status, reply.code, reply.message)
        if isinstance(reply, Stream):
            return Answer(200, b"", {"Content-Type": reply.content_type}, reply.pieces)
        bend = self.bends.popleft() if self.bends else None
        if bend in REFUSING:
            status, code, message = REFUSING[bend]
            return error(status, code, message, **({"Retry-After": "1"} if status == 429 else {}))
        if request.get("stream"):
            return bent(bend, _events(request["model"], reply))
        usage = {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}
        content = [block for block, _ in _blocks(reply)]
        return as_json(
            {**_head(request["model"]), "content": content, "stop_reason": _stop(reply), "usage": usage}
        )


def error(status: int, kind: str, message: str, **headers: str) -> Answer:
    return as_json({"type": "error", "error": {"type": kind, "message": message}}, status, **headers)


def _last_words(request: dict[str, Any]) -> str:
    content = request["messages"][-1]["content"]
    return content if isinstance(content, str) else json.dumps(content)


def _head(model: str) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "stop_sequence": None}


def _stop(reply: Text | Calls) -> str:
    if isinstance(reply, Calls):
        return "tool_use"
    return "max_tokens" if reply.finish == "length" else "end_turn"


def _blocks(reply: Text | Calls) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Pair each whole content block with the deltas that it is streamed in."""
    if isinstance(reply, Text):
        deltas = [{"type": "text_delta", "text": piece} for piece in reply.pieces]
        return [({"type": "text", "text": "".join(reply.pieces)}, deltas)]
    return [_tool_use(call) for call in reply.calls]


def _tool_use(call: Call) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    text = json.dumps(call.arguments)
    half = len(text) // 2
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in (text[:half], text[half:])]
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}, deltas


def _events(model: str, reply: Text | Calls) -> Iterator[bytes]:
    begun = {"input_tokens": INPUT_TOKENS, "output_tokens": 1}
    message = {**_head(model), "content": [], "stop_reason": None, "usage": begun}
    yield _event("message_start", message=message)
    yield _event("ping")
    for index, (block, deltas) in enumerate(_blocks(reply)):
        empty = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
        yield _event("content_block_start", index=index, content_block=empty)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    stop = {"stop_reason": _stop(reply), "stop_sequence": None}
    yield _event("message_delta", delta=stop, usage={"output_tokens": OUTPUT_TOKENS})
    yield _event("message_stop")


def _event(kind: str, **content: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **content})}\n\n".encode()
