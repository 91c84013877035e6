"""Keep the private PostgreSQL server running while the launcher runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg

from agentforge.tenancy import embedded

SHUTDOWN_LIMIT = 30.0  # seconds for a stopping server to end


class PrivatePostgres:
    """The server of a data directory, restarted when it dies; raises embedded.DidNotStart."""

    def __init__(self, data_dir: Path) -> None:
        self._server = embedded.start(data_dir)
        if not self._answers():
            # It was stopping, or was killed a moment ago.
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(self._server.get_pid()).wait(SHUTDOWN_LIMIT)
            self.restart()
        self.url = self._server.forge_url()

    def watch(self, on_death: Callable[[], None]) -> None:
        """Call back, from another thread, when the server has died."""

        def wait(pid: int) -> None:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).wait()
            on_death()

        pid = self._server.get_pid()
        threading.Thread(target=wait, args=[pid], name="postgres", daemon=True).start()

    def restart(self) -> None:
        """Restart the server; raises embedded.DidNotStart."""
        self._server.restart()

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._server.get_uri()).close()
        except psycopg.OperationalError:
            return False
        return True
