"""Run deployed functions: each zip's bootstrap, as a process with its own runtime API."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tempfile
import threading
import zipfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.standins.lambda_runtime import LambdaRuntime

from .state import Json

_SECONDS = 120


class _Running:
    """One function: its process and its runtime API; it handles one event at a time, like Lambda."""

    def __init__(self, content: bytes, variables: dict[str, str], directory: Path) -> None:
        bootstrap = directory / "bootstrap"
        bootstrap.write_bytes(zipfile.ZipFile(io.BytesIO(content)).read("bootstrap"))
        bootstrap.chmod(0o755)
        self.runtime = LambdaRuntime().__enter__()
        self._lock = threading.Lock()
        self.process = subprocess.Popen(
            [bootstrap],
            env={"PATH": os.environ["PATH"], **variables, "AWS_LAMBDA_RUNTIME_API": self.runtime.address},
            stderr=subprocess.DEVNULL,
        )

    def invoke(self, event: Json) -> Json:
        with self._lock:
            self.runtime._events.put(json.dumps(event).encode())
            _, answer = self.runtime._answers.get(timeout=_SECONDS)
        reply: Json = json.loads(answer)
        return reply if "statusCode" in reply else {"statusCode": 502, "body": json.dumps(reply)}

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.runtime.__exit__()


class Functions:
    """One process per function and set of variables."""

    def __init__(self) -> None:
        self._running: dict[tuple[bytes, str], _Running] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="agentforge-functions-")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for running in self._running.values():
            running.stop()
        self._directory.cleanup()

    def __call__(self, content: bytes, variables: dict[str, str], event: Json) -> Json:
        key = content, json.dumps(variables, sort_keys=True)
        with self._lock:
            if key not in self._running:
                place = Path(self._directory.name) / str(len(self._running))
                place.mkdir()
                self._running[key] = _Running(content, variables, place)
        return self._running[key].invoke(event)
