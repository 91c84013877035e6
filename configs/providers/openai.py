"""OpenAI: bearer keys; a restricted key answers 401 or 403 with the code `missing_scope`."""

from __future__ import annotations

from django.conf import settings

from . import http
from .base import Outcome, Provider


class OpenAI(Provider):
    @property
    def base_url(self) -> str:
        return settings.AGENTFORGE_OPENAI_URL or "https://api.openai.com/v1"

    def check(self, key: str, base_url: str = "") -> Outcome:
        return http.ModelList(
            self.label, f"{self.base_url}/models", {"Authorization": f"Bearer {key}"}
        ).test()


OPENAI = OpenAI(
    code="openai",
    label="OpenAI",
    api="openai",
    key_env="OPENAI_API_KEY",
    base_url_env="OPENAI_BASE_URL",
    key_hint="Begins with sk-",
)
