"""Model servers that other programs run on this machine, offered while the forge finds them there."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from agentforge.model_servers import LABELS, USUAL

from . import http
from .base import Outcome, Provider
from .catalogue import ENTRIES

# They are near: one that takes longer to list its models must not hold up a page.
_SECONDS = 2.0


class LocalServer(Provider):
    @property
    def base_url(self) -> str:
        return self._found or next(server.url for server in USUAL if server.code == self.code)

    @property
    def unavailable(self) -> str:
        if self._found:
            return ""
        return (
            f"{self.label} did not answer on this machine when the forge started. Start it, then start the "
            "forge again, or choose another provider."
        )

    @property
    def _found(self) -> str:
        found = (server.url for server in settings.LOCAL_MODEL_SERVERS if server.code == self.code)
        return next(found, "")

    def sentence(self, models: Sequence[str]) -> str:
        if not models:
            return "Ran on this machine when the forge started; offers no model now."
        return "Runs on this machine, without a key."

    def check(self, key: str = "", base_url: str = "") -> Outcome:
        return http.ModelList(self.label, f"{self.base_url}/models", {}, seconds=_SECONDS).test()


LOCAL_SERVERS = tuple(LocalServer(**ENTRIES[code]) for code in LABELS)
