"""Stand in for the services that speak OpenAI's protocol, each with its own addresses and bodies.

Paths and bodies after each service's documentation: ai.google.dev/api, docs.mistral.ai/api,
console.groq.com/docs/api-reference, api-docs.deepseek.com, docs.x.ai/docs/api-reference,
openrouter.ai/docs/api-reference, docs.together.ai/reference, docs.cohere.com/reference,
learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .openai import OpenAIStandIn, error
from .server import Answer, Asked, as_json

# What a service lists beside the models that chat.
OTHER_MODEL = "embed-x"


class GeminiStandIn(OpenAIStandIn):
    prefix = "/v1beta/openai"
    page_size = 50

    def _has_key(self, asked: Asked) -> bool:
        return asked.headers.get("x-goog-api-key") == self.key or super()._has_key(asked)

    def _wrong_key(self) -> Answer:
        reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
        fault = {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}
        return as_json({"error": {**fault, "details": [reason]}}, 400)

    def _route(self, asked: Asked) -> Answer:
        if asked.method == "GET" and urlsplit(asked.path).path == "/v1beta/models":
            return self._native_list(dict(parse_qsl(urlsplit(asked.path).query)))
        return super()._route(asked)

    def _native_list(self, query: dict[str, str]) -> Answer:
        start = int(query.get("pageToken", "0"))
        end = start + min(int(query.get("pageSize", "50")), self.page_size)
        models = [_google_model(name, "generateContent") for name in self.models[start:end]]
        page: dict[str, Any] = {"models": [*models, _google_model(OTHER_MODEL, "embedContent")]}
        return as_json({**page, "nextPageToken": str(end)} if end < len(self.models) else page)


def _google_model(name: str, method: str) -> dict[str, Any]:
    return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": [method]}


class MistralStandIn(OpenAIStandIn):
    def _list_of_models(self) -> Answer:
        chats = {**dict.fromkeys(self.models, True), OTHER_MODEL: False}
        entries = [
            {"id": name, "object": "model", "capabilities": {"completion_chat": able}}
            for name, able in chats.items()
        ]
        return as_json({"object": "list", "data": entries})


class GroqStandIn(OpenAIStandIn):
    prefix = "/openai/v1"


class DeepSeekStandIn(OpenAIStandIn):
    prefix = ""
    has_credit = True

    def _route(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("GET", "/user/balance"):
            return as_json({"is_available": self.has_credit, "balance_infos": []})
        return super()._route(asked)


class XAIStandIn(OpenAIStandIn):
    is_blocked = False

    def _wrong_key(self) -> Answer:
        return as_json({"code": "invalid-argument", "error": "Incorrect API key provided: sk-...ef."}, 400)

    def _route(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("GET", "/v1/api-key"):
            state = {"api_key_blocked": self.is_blocked, "api_key_disabled": False, "team_blocked": False}
            return as_json({"redacted_api_key": "xai-...ef", "name": "test", **state})
        return super()._route(asked)


class OpenRouterStandIn(OpenAIStandIn):
    prefix = "/api/v1"

    def answer(self, asked: Asked) -> Answer:
        self.lists_publicly = asked.path == "/api/v1/models"
        return super().answer(asked)

    def _route(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("GET", "/api/v1/key"):
            return as_json({"data": {"label": "test", "usage": 0, "limit": None}})
        return super()._route(asked)


class TogetherStandIn(OpenAIStandIn):
    def _list_of_models(self) -> Answer:
        chat = [{"id": name, "object": "model", "type": "chat"} for name in self.models]
        return as_json([*chat, {"id": OTHER_MODEL, "object": "model", "type": "embedding"}])


class CohereStandIn(OpenAIStandIn):
    prefix = "/compatibility/v1"

    def _wrong_key(self) -> Answer:
        return as_json({"id": "1", "message": "invalid api token"}, 401)

    def _route(self, asked: Asked) -> Answer:
        match asked.method, urlsplit(asked.path).path:
            case "POST", "/v1/check-api-key":
                return as_json({"valid": True, "organization_id": "1"})
            case "GET", "/v1/models":
                models = [{"name": name, "endpoints": ["chat"]} for name in self.models]
                return as_json({"models": models, "next_page_token": ""})
        return super()._route(asked)


class AzureStandIn(OpenAIStandIn):
    prefix = "/openai/v1"
    key_header, key_scheme = "api-key", ""

    def _wrong_key(self) -> Answer:
        return error(401, "401", "Access denied due to invalid subscription key or wrong API endpoint.")


SERVICES: dict[str, type[OpenAIStandIn]] = {
    "gemini": GeminiStandIn,
    "mistral": MistralStandIn,
    "groq": GroqStandIn,
    "deepseek": DeepSeekStandIn,
    "xai": XAIStandIn,
    "openrouter": OpenRouterStandIn,
    "together": TogetherStandIn,
    "cohere": CohereStandIn,
    "azure": AzureStandIn,
}
