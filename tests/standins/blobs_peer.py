"""The real @netlify/blobs: its client, and the server that it has for development."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.drivers import npm

from .netlify_blobs import BlobsAccess

VERSIONS = {"@netlify/blobs": "10.7.13"}
_SCRIPTS = Path(__file__).parent / "netlify_peers"


class BlobsPeer(BlobsAccess):
    """A running server."""

    def __init__(self, origin: str) -> None:
        self._origin = origin

    @property
    def origin(self) -> str:
        return self._origin


@contextmanager
def serving(directory: Path) -> Iterator[BlobsPeer]:
    """Run the real server until the end of the block.

    It keeps its condition for requests one after another only: it looks first and writes then.
    """
    command = _command("serve.mjs", str(directory), BlobsPeer.token)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield BlobsPeer(process.stdout.readline().strip())
        finally:
            process.kill()


def use(event: str = "", context: str = "") -> str:
    """Use a store with the real client; return what it printed."""
    command = _command("use.mjs", event)
    environment = {"NETLIFY_BLOBS_CONTEXT": context} if context else {}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _command(script: str, *arguments: str) -> list[str]:
    return [npm.program("node"), str(_SCRIPTS / script), str(npm.packages(VERSIONS)), *arguments]
