"""Run a real worker process for deployments, on the database of this test run."""

from __future__ import annotations

import subprocess
import sys
from typing import Self

from django.conf import settings

from tests.live.web import ROOT, environment


class WorkerProcess:
    """One `manage.py procrastinate worker` that uses the stand-in of this test."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [
                sys.executable,
                "manage.py",
                "procrastinate",
                "worker",
                "--queues",
                "deployments",
                "--shutdown-graceful-timeout",
                "0.5",
            ],
            cwd=ROOT,
            env=environment(
                AGENTFORGE_NETLIFY_URL=settings.AGENTFORGE_NETLIFY_URL,
                AGENTFORGE_ALLOWED_HOSTS=",".join(settings.AGENTFORGE_ALLOWED_HOSTS),
                AGENTFORGE_SITES_DIR=str(settings.AGENTFORGE_SITES_DIR),
                LOCAL_MODEL_URL=settings.LOCAL_MODEL_URL,
            ),
            stderr=subprocess.DEVNULL,
        )
        return self

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._process.terminate()
        self._process.wait(60)

    def __exit__(self, *error: object) -> None:
        if self._process.poll() is None:
            self.kill()
