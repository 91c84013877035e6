"""Any server that speaks OpenAI's protocol under a base URL that the user gives."""

from __future__ import annotations

from . import http
from .base import Outcome, Provider


class OpenAICompatible(Provider):
    def hint(self, key: str) -> str:
        # The server may be anybody's.
        return ""

    def check(self, key: str, base_url: str = "") -> Outcome:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return http.list_models("The server", f"{base_url.rstrip('/')}/models", headers)


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
