"""Any server that speaks OpenAI's protocol at a base URL given by the user."""

from __future__ import annotations

from . import http
from .base import Outcome, Provider


class OpenAICompatible(Provider):
    def hint(self, key: str) -> str:
        # The server may belong to anybody, so no prefix is wrong.
        return ""

    def check(self, key: str, base_url: str = "") -> Outcome:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return http.ModelList("The server", f"{base_url.rstrip('/')}/models", headers).test()


OPENAI_COMPATIBLE = OpenAICompatible(
    code="openai_compatible",
    label="OpenAI-compatible server",
    api="openai",
    key_env="AGENT_API_KEY",
    base_url_env="AGENT_BASE_URL",
    key_hint="Leave empty if the server needs none",
    needs_key=False,
    asks_base_url=True,
)
