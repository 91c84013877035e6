"""Measure how long a web process takes to send a log of 36 MB as text, and a build's files as a zip.

The rival is one file of the zip's size, sent by the same process.
"""

from __future__ import annotations

import json
import os
import time

import httpx

from .stage import agent, database

LINES = 300_000
# What a pipe delivers at once.
PORTION = 800
FILE_BYTES = 24_000_000
ROUNDS = 3


def main() -> None:
    os.environ |= {"BUILD_LOG_LINES": str(2 * LINES)}
    with database():
        _measure()


def _measure() -> None:
    from builds.artifacts import storage
    from builds.models import Artifact, Build
    from configs.revisions import create_revision
    from tests.drivers.people import bearer_of
    from tests.drivers.web_process import WebProcess

    ada = agent()
    build = Build.objects.create(owner=ada.owner, revision=create_revision(ada), status="succeeded")
    content = os.urandom(FILE_BYTES // 2) + bytes(FILE_BYTES // 2)
    Artifact.objects.create(
        owner=ada.owner, build=build, name="ada.so", size=len(content), sha256=storage.put(content)
    )
    _write_log(build)
    headers = {"Authorization": bearer_of(ada.owner)}
    with WebProcess() as web:
        page = f"{web.url}/builds/{build.pk}/"
        paths = {"log as text": "log.txt", "zip": "download/", "one file": "files/ada.so"}
        for name, path in paths.items():
            seconds, size = min(_download(f"{page}{path}", headers) for _ in range(ROUNDS))
            figure = {"figure": "download_seconds", "what": name, "value": round(seconds, 2)}
            print(json.dumps({**figure, "mb": round(size / 1e6, 1)}), flush=True)


def _download(url: str, headers: dict[str, str]) -> tuple[float, int]:
    started = time.perf_counter()
    size = 0
    with httpx.stream("GET", url, headers=headers, timeout=300) as answer:
        answer.raise_for_status()
        for piece in answer.iter_raw():
            size += len(piece)
    return time.perf_counter() - started, size


def _write_log(build: object) -> None:
    from agentforge.live.streams import create_stream
    from agentforge.live.writer import StreamWriter
    from builds.logs.build_log import BuildLog
    from builds.models import Build

    assert isinstance(build, Build)
    create_stream(build.stream_name, build.owner_id)
    lines = [f"github.com/some/package{number}: {'x' * 52} file_{number % 997}.go" for number in range(LINES)]
    with StreamWriter(build.stream_name) as writer:
        log = BuildLog(writer.write, write_lines=writer.write_many)
        for start in range(0, LINES, PORTION):
            log.lines("out", lines[start : start + PORTION])
        log.close()
        writer.flush()


if __name__ == "__main__":
    main()
