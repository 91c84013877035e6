"""Stand in for OpenAI and servers like it: `GET /v1/models`, `POST /v1/chat/completions` whole or streamed.

Set `mode` to an outcome of a key test, or `replies` to what the model says next; without replies it repeats
the last message. Paths and bodies after https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Any, Literal

from .replies import INPUT_TOKENS, OUTPUT_TOKENS, Call, Calls, Failure, Reply, Stream, Text
from .server import Answer, Asked, StandIn, as_events, as_html, as_json

Mode = Literal[
    "ok", "invalid", "unscoped", "no_credit", "quota", "rate_limited", "html", "garbage", "redirect", "huge"
]

USAGE = {
    "prompt_tokens": INPUT_TOKENS,
    "completion_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
}


class OpenAIStandIn(StandIn):
    # Where the API begins, and the header that carries the key after a scheme.
    prefix = "/v1"
    key_header, key_scheme = "authorization", "Bearer "

    def __init__(self, key: str = "sk-test-0123456789abcdef", *, needs_key: bool = True) -> None:
        super().__init__()
        self.key = key
        self.needs_key = needs_key
        self.mode: Mode = "ok"
        self.models = ["gpt-x", "gpt-x-mini"]
        # Some servers list their models to everybody.
        self.lists_publicly = False
        self.replies: deque[Reply] = deque()

    @property
    def url(self) -> str:
        return f"{self.origin}{self.prefix}"

    def answer(self, asked: Asked) -> Answer:
        if self.mode != "ok":
            return self._refusal()
        is_public = self.lists_publicly and asked.method == "GET"
        if self.needs_key and not is_public and not self._has_key(asked):
            return self._wrong_key()
        return self._route(asked)

    def _has_key(self, asked: Asked) -> bool:
        return asked.headers.get(self.key_header) == f"{self.key_scheme}{self.key}"

    def _wrong_key(self) -> Answer:
        return error(401, "invalid_api_key", "Incorrect API key provided.")

    def _route(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("GET", f"{self.prefix}/models"):
            return self._list_of_models()
        if (asked.method, asked.path) == ("POST", f"{self.prefix}/chat/completions"):
            return self._completion(asked.json)
        return error(404, "not_found", f"Unknown request URL: {asked.method} {asked.path}.")

    def _list_of_models(self) -> Answer:
        entries = [{"id": name, "object": "model", "owned_by": "system"} for name in self.models]
        return as_json({"object": "list", "data": entries})

    def _refusal(self) -> Answer:
        match self.mode:
            case "invalid":
                return error(401, "invalid_api_key", "Incorrect API key provided.")
            case "unscoped":
                return error(403, "missing_scope", "You have insufficient permissions for this operation.")
            case "no_credit":
                return error(402, "insufficient_balance", "Insufficient balance.")
            case "quota":
                return error(429, "insufficient_quota", "You exceeded your current quota.")
            case "rate_limited":
                return error(429, "rate_limit_exceeded", "Rate limit reached.")
            case "redirect":
                return Answer(302, b"", {"Location": "http://169.254.169.254/latest/meta-data/"})
            case "huge":
                return as_json({"data": [{"id": "x" * 100} for _ in range(40_000)]})
            case "garbage":
                return Answer(200, b"\xff\xfe not json", {"Content-Type": "application/json"})
        return as_html(502)

    def _completion(self, request: dict[str, Any]) -> Answer:
        said = request["messages"][-1]["content"] or ""
        reply = self.replies.popleft() if self.replies else Text.of(f"You said: {said}")
        if isinstance(reply, Failure):
            return error(reply.status, reply.code, reply.message)
        if isinstance(reply, Stream):
            return Answer(200, b"", {"Content-Type": reply.content_type}, reply.pieces)
        if not request.get("stream"):
            return as_json(_whole(request["model"], reply))
        wants_usage = (request.get("stream_options") or {}).get("include_usage", False)
        return as_events(_events(request["model"], reply, usage=wants_usage))


def error(status: int, code: str, message: str) -> Answer:
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    return as_json(body, status, **({"Retry-After": "1"} if status == 429 else {}))


def _head(model: str, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": model}


def _tool_call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}


def _whole(model: str, reply: Text | Calls) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if isinstance(reply, Text):
        message["content"] = "".join(reply.pieces)
    else:
        message["tool_calls"] = [_tool_call(call) for call in reply.calls]
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    return {**_head(model, "chat.completion"), "choices": [choice], "usage": USAGE}


def _finish(reply: Text | Calls) -> str:
    return reply.finish if isinstance(reply, Text) else "tool_calls"


def _events(model: str, reply: Text | Calls, *, usage: bool) -> Iterator[bytes]:
    head = _head(model, "chat.completion.chunk")
    for delta in _deltas(reply):
        yield _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish(reply)}]})
    if usage:
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
