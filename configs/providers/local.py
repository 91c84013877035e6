"""The local language model, which needs neither a key nor an account."""

from __future__ import annotations

from django.conf import settings

from . import http
from .base import Outcome, Provider


class LocalModel(Provider):
    @property
    def base_url(self) -> str:
        return settings.LOCAL_MODEL_URL

    @property
    def unavailable(self) -> str:
        return "" if settings.LOCAL_MODEL else "The local model is switched off here (LOCAL_MODEL=0)."

    def check(self, key: str = "", base_url: str = "") -> Outcome:
        return http.ModelList("The local model", f"{self.base_url}/models", {}).test()


LOCAL = LocalModel(
    code="local",
    label="Local model",
    api="openai",
    key_env="",
    base_url_env="LOCAL_MODEL_URL",
    needs_key=False,
    # Measured: the server accepts tools but omits them from the prompt, so the model never calls one.
    supports_tools=False,
)
