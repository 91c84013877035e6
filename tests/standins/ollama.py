"""Stand in for Ollama: its own API's version, and OpenAI's protocol below /v1.

After https://docs.ollama.com/api/openai-compatibility; without models its list is null.
"""

from __future__ import annotations

from .openai import OpenAIStandIn
from .server import Answer, Asked, as_json


class OllamaStandIn(OpenAIStandIn):
    def __init__(self, port: int = 0) -> None:
        self.port = port
        super().__init__(needs_key=False)
        self.models = ["llama3.2:3b", "qwen3:8b"]

    def answer(self, asked: Asked) -> Answer:
        match asked.method, asked.path:
            case "GET", "/api/version":
                return as_json({"version": "0.12.3"})
            case "GET", "/v1/models":
                entries = [{"id": name, "object": "model", "owned_by": "library"} for name in self.models]
                return as_json({"object": "list", "data": entries or None})
        return super().answer(asked)
