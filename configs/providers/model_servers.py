"""Model servers that other programs run on this machine, offered while the forge finds them there."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from agentforge import found_servers
from agentforge.model_servers import LABELS, USUAL

from . import http
from .base import Outcome, Provider
from .catalogue import ENTRIES

# They are near: one that takes longer to list its models must not hold up a page.
_SECONDS = 2.0


class LocalServer(Provider):
    @property
    def base_url(self) -> str:
        return next(
            server.url for server in (*settings.LOCAL_MODEL_SERVERS, *USUAL) if server.code == self.code
        )

    @property
    def unavailable(self) -> str:
        if any(server.code == self.code for server in found_servers.found()):
            return ""
        if not any(server.code == self.code for server in settings.LOCAL_MODEL_SERVERS):
            return f"{self.label} is not looked for here (LOCAL_MODEL_SERVERS). Choose another provider."
        return (
            f"{self.label} does not answer on this machine. Start it, and it is found within a minute; or "
            "choose another provider."
        )

    def sentence(self, models: Sequence[str]) -> str:
        if not models:
            return "Answered on this machine before; offers no model now."
        return "Runs on this machine, without a key."

    def check(self, key: str = "", base_url: str = "") -> Outcome:
        return http.ModelList(self.label, f"{self.base_url}/models", {}, seconds=_SECONDS).test()


LOCAL_SERVERS = tuple(LocalServer(**ENTRIES[code]) for code in LABELS)
