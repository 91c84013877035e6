"""Run a real TUS server (the package tussi) in a process of its own, on a directory of the test's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

from .forge import ROOT
from .log_lines import LogLines
from .ports import free_port

if directory := os.environ.get("TUS_DIRECTORY"):
    from tussi import TUSApp
    from tussi.storage import FilesystemStorage

    (Path(directory) / "parts").mkdir(exist_ok=True)
    application = TUSApp(FilesystemStorage(Path(directory) / "parts"), Path(directory) / "done")


class TusServer:
    """Started again, it takes its old port and knows the uploads of before."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/uploads"

    def files(self) -> list[bytes]:
        """Return the uploads that are whole."""
        return [
            path.read_bytes()
            for path in (self.directory / "done").iterdir()
            if path.is_file() and not path.suffix
        ]

    def start(self) -> Self:
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self._port)]
        self._process = subprocess.Popen(
            [*command, "tests.drivers.tus_server:application"],
            cwd=ROOT,
            env={**os.environ, "TUS_DIRECTORY": str(self.directory), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._log = LogLines(self._process.stderr)
        message = ""
        for line in self._log:
            message += line
            if "Listening on TCP address 127.0.0.1:" in line:
                return self
        raise AssertionError(message)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._process.kill()
        self._reap()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._reap()

    def _reap(self) -> None:
        self._process.wait(60)
        self._log.close()
