from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from deployments.netlify import calls
from tests.standins.netlify import NetlifyStandIn


@pytest.fixture
def netlify(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[NetlifyStandIn]:
    """Netlify's API and edge on this machine."""
    with NetlifyStandIn() as server:
        settings.AGENTFORGE_NETLIFY_URL = server.url
        settings.AGENTFORGE_ALLOWED_HOSTS = server.edge.hosts()
        monkeypatch.setattr(calls, "FIRST_PAUSE", 0.01)
        yield server
