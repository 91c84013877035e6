"""A private database for a measurement, with people and an agent."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agentforge.tenancy import embedded

if TYPE_CHECKING:
    from configs.models import AgentConfig

ROOT = Path(__file__).resolve().parent.parent


def exit_on_sigterm() -> None:
    """Let SIGTERM end this process as its end does, so that what it started is ended too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@contextmanager
def database() -> Iterator[str]:
    """Start a PostgreSQL server with every table, and with fsync on; yield the URL of its superuser."""
    exit_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="agentforge-bench-") as directory:
        place = Path(directory) / "postgres"
        try:
            server = embedded.start(place)
            _prepare(server.forge_url(), Path(directory) / "var")
            yield server.get_uri()
        finally:
            from django.db import connections

            connections.close_all()
            # Also one that was just being started.
            embedded.start(place).cleanup()


def _prepare(url: str, var: Path) -> None:
    os.environ.setdefault("AGENTFORGE_GO_DIR", str(ROOT / "var" / "go"))
    os.environ.update(
        AGENTFORGE_VAR=str(var),
        DATABASE_URL=url,
        DJANGO_SETTINGS_MODULE="agentforge.settings",
        # No measurement uses the model, and no page should wait for it.
        LOCAL_MODEL="0",
        # All viewers of a storm are one person at one address.
        MOST_STREAMS_PER_PERSON="0",
        MOST_CONNECTIONS_PER_ADDRESS="0",
    )
    import django
    from django.core.management import call_command

    django.setup()
    from agentforge.machines import start

    call_command("migrate", verbosity=0)
    # As each program of a forge does when it starts.
    start.compare()


def agent(name: str = "Ada", handle: str = "ada", owner: str = "alice") -> AgentConfig:
    """Store and return an agent of that person that can be compiled."""
    from configs.models import AgentConfig
    from configs.presets import PRESET_VALUES
    from configs.services import create_agent
    from tests.drivers.people import make_user

    values = {**PRESET_VALUES["balanced"], "provider": "openai", "model": "gpt-x", "tools": ["clock"]}
    return create_agent(AgentConfig(owner=make_user(owner), name=name, handle=handle, **values))
