"""Stand in for OpenAI and servers like it: `GET /v1/models`, `POST /v1/chat/completions`, `/v1/responses`.

Set `mode` to an outcome of a key test, or `replies` to what the model says next; without replies it repeats
the last message. Paths and bodies after https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from collections import deque
from types import ModuleType
from typing import Any, Literal

from . import openai_chat as chat
from . import openai_responses
from .bends import REFUSING, Bend, bent
from .replies import Failure, Reply, Stream, Text
from .server import Answer, Asked, StandIn, as_html, as_json

Mode = Literal[
    "ok", "invalid", "unscoped", "no_credit", "quota", "rate_limited", "html", "garbage", "redirect", "huge"
]


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
        # How the next answers go wrong.
        self.bends: deque[Bend | None] = deque()

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
            return self._completion(asked.json, chat)
        if (asked.method, asked.path) == ("POST", f"{self.prefix}/responses"):
            return self._completion(asked.json, openai_responses)
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

    def _completion(self, request: dict[str, Any], protocol: ModuleType) -> Answer:
        said = protocol.last_words(request)
        reply = self.replies.popleft() if self.replies else Text.of(f"You said: {said}")
        if isinstance(reply, Failure):
            return error(reply.status, reply.code, reply.message)
        if isinstance(reply, Stream):
            return Answer(200, b"", {"Content-Type": reply.content_type}, reply.pieces)
        bend = self.bends.popleft() if self.bends else None
        if bend in REFUSING:
            return error(*REFUSING[bend])
        if not request.get("stream"):
            return as_json(protocol.whole(request["model"], reply))
        return bent(bend, protocol.events(request, reply))


def error(status: int, code: str, message: str) -> Answer:
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    return as_json(body, status, **({"Retry-After": "1"} if status == 429 else {}))
