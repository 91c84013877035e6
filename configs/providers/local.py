"""The local language model, which needs neither a key nor an account."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from agentforge.local_model import BUILT_IN

from . import http
from .base import Outcome, Provider
from .catalogue import ENTRIES


class LocalModel(Provider):
    @property
    def base_url(self) -> str:
        return settings.LOCAL_MODEL_URL

    @property
    def unavailable(self) -> str:
        return "" if settings.LOCAL_MODEL else "The local model is switched off here (LOCAL_MODEL=0)."

    def sentence(self, models: Sequence[str]) -> str:
        if list(models) == [BUILT_IN]:
            return "A small model that runs here without a key: good for trying, not for facts."
        return "Runs here without a key." if models else "Does not answer now; it needs no key."

    def check(self, key: str = "", base_url: str = "") -> Outcome:
        return http.ModelList("The local model", f"{self.base_url}/models", {}).test()


# Measured: the server accepts tools but omits them from the prompt, so the model never calls one.
LOCAL = LocalModel(**ENTRIES["local"])
