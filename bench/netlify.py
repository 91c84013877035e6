"""A Netlify stand-in to deploy to, a worker that deploys, and Netlify's own CLI as the rival."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.deployments.hosts import netlify_cli

from .stage import ROOT

if TYPE_CHECKING:
    from builds.models import Build
    from deployments.models import Deployment, Site


@dataclass
class StandIn:
    """The stand-in of Netlify in a separate process."""

    process: subprocess.Popen[str]
    url: str
    token: str
    hosts: list[str]

    def uploaded(self, *, forget: bool = False) -> int:
        """Return the bytes uploaded since the last call; then forget all deploys, if `forget`."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("forget\n" if forget else "\n")
        self.process.stdin.flush()
        return int(json.loads(self.process.stdout.readline())["uploaded"])


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Start the stand-in and point this process's settings to it; call it before Django's setup."""
    command = [sys.executable, "-m", "tests.standins.netlify"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        assert process.stdout
        netlify = StandIn(process, **json.loads(process.stdout.readline()))
        os.environ |= {
            "AGENTFORGE_NETLIFY_URL": netlify.url,
            "AGENTFORGE_ALLOWED_HOSTS": ",".join(netlify.hosts),
        }
        try:
            yield netlify
        finally:
            process.terminate()


@contextmanager
def worker() -> Iterator[psutil.Process]:
    """Start a worker as in the Procfile and wait until it listens."""
    from procrastinate.contrib.django.models import ProcrastinateWorker

    ProcrastinateWorker.objects.all().delete()
    command = [sys.executable, "manage.py", "procrastinate", "worker", "--concurrency", "4"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as started:
        try:
            while not ProcrastinateWorker.objects.exists():
                time.sleep(0.1)
            yield psutil.Process(started.pid)
        finally:
            started.terminate()


def deploy(site: Site, build: Build) -> tuple[float, Deployment]:
    """Request a deployment and wait for its end; return the seconds and the deployment."""
    from builds.logs.follower import follow
    from deployments import services

    started = time.perf_counter()
    deployment = services.enqueue(site, build, by=site.agent.owner)
    for _ in follow([deployment.stream_name], lambda: False):
        pass
    seconds = time.perf_counter() - started
    deployment.refresh_from_db()
    if deployment.status != "succeeded":
        raise SystemExit(f"The deployment did not end as it should: {deployment.status} {deployment.error}")
    return seconds, deployment


def lay_out(site: Site, build: Build, directory: Path) -> None:
    """Write the same site as the CLI expects it: files in one directory, raw binaries in another."""
    from deployments import bundle

    for file in bundle.assemble(site, build).files:
        if file.is_function:
            place, pieces = directory / "functions" / file.path, [artifact(build, "function").read_bytes()]
        else:
            place, pieces = directory / "public" / file.path, list(file.content.pieces())
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"".join(pieces))
        place.chmod(0o755 if file.is_function else 0o644)


def artifact(build: Build, target: str) -> Path:
    """Return the path of the first file of a target."""
    from builds.artifacts import storage

    return storage.local_copy(build.artifacts.filter(target=target).earliest("pk").sha256)


def deploy_by_cli(netlify: StandIn, directory: Path, site: Site) -> tuple[float, netlify_cli.Run]:
    """Deploy a directory with Netlify's CLI; return the seconds and its exit."""
    words = ["deploy", "--no-build", "--dir", "public", "--functions", "functions", "--prod"]
    started = time.perf_counter()
    done = netlify_cli.run(directory, *words, "--site", site.name, url=netlify.url, token=netlify.token)
    seconds = time.perf_counter() - started
    if done.code:
        raise SystemExit(f"netlify-cli failed: {done.output}{done.errors}")
    return seconds, done
