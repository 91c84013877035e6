"""Anthropic: the key in `x-api-key`, the API version in another header."""

from __future__ import annotations

from django.conf import settings

from . import http
from .base import Outcome, Provider

API_VERSION = "2023-06-01"

_UNUSABLE = {
    "sk-ant-admin": "This is an Anthropic admin key: it manages an organization and can't call models.",
    "sk-ant-oat": "This is a sign-in token of an Anthropic app: only that app may use it. Create an API key.",
}


class Anthropic(Provider):
    @property
    def base_url(self) -> str:
        return settings.AGENTFORGE_ANTHROPIC_URL or "https://api.anthropic.com"

    def refusal(self, key: str) -> str:
        return next((reason for prefix, reason in _UNUSABLE.items() if key.startswith(prefix)), "")

    def check(self, key: str, base_url: str = "") -> Outcome:
        # The default page size is 20.
        url = f"{self.base_url}/v1/models?limit=1000"
        version = {"anthropic-version": API_VERSION}
        return http.ModelList(self.label, url, {"x-api-key": key}, version, "after_id").test()


ANTHROPIC = Anthropic(
    code="anthropic",
    label="Anthropic",
    api="anthropic",
    key_env="ANTHROPIC_API_KEY",
    base_url_env="ANTHROPIC_BASE_URL",
    key_hint="Begins with sk-ant-api03-",
)
