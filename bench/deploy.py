"""Measure deployments: time, bytes uploaded for an unchanged site, memory, and start of a function.

The time's rival is a full run of Netlify's own CLI with the same files and function on the same stand-in, a
separate process that forgets all deploys before each run. Our time goes from the request through the queue
to the response of the deployed site, which the CLI does not ask for.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.standins.lambda_runtime import LambdaRuntime

from . import netlify
from .stage import agent, database

if TYPE_CHECKING:
    from builds.models import Build
    from configs.models import AgentConfig
    from deployments.models import Site

ROUNDS, STARTS = 7, 20
FILES, FILE_BYTES = 1000, 40_000


def main() -> None:
    with netlify.stand_in() as service, database(), tempfile.TemporaryDirectory() as name:
        ada = agent()
        site = _site(ada, service.token)
        with netlify.worker():
            build = _compiled(ada)
            _measure_time(service, site, build, Path(name) / "ada")
            _measure_redeploy(service, site, build)
        large = _with_many_files(build)
        with netlify.worker() as worker:
            _measure_memory(service, site, large, worker, Path(name) / "large")
        _measure_function(site, build, Path(name))


def _site(ada: AgentConfig, token: str) -> Site:
    from configs.keys.vault import save_key
    from deployments.accounts import host_accounts
    from deployments.sites import lifecycle

    save_key(ada.owner, "openai", f"sk-{secrets.token_urlsafe(32)}")
    host_accounts.connect(ada.owner, token)
    site = lifecycle.create_site(ada, "ada", "team-one", ada.owner)
    lifecycle.change(site, lifecycle.Settings(offers_download=True), ada.owner)
    site.refresh_from_db()
    return site


def _compiled(ada: AgentConfig) -> Build:
    from builds.logs.follower import follow
    from builds.services import enqueue_build

    build = enqueue_build(ada, by=ada.owner, names=["plugin", "function"])
    for _ in follow([build.stream_name], lambda: False):
        pass
    build.refresh_from_db()
    if build.status != "succeeded":
        raise SystemExit(f"The build did not end as it should: {build.error}")
    return build


def _measure_time(service: netlify.StandIn, site: Site, build: Build, directory: Path) -> None:
    netlify.lay_out(site, build, directory)
    ours, rival = [], []
    for _ in range(ROUNDS + 1):
        service.uploaded(forget=True)
        ours.append(netlify.deploy(site, build)[0])
        mine = service.uploaded(forget=True)
        rival.append(netlify.deploy_by_cli(service, directory, site)[0])
        theirs = service.uploaded()
    # The same files, packed a little differently.
    if not 0.95 < mine / theirs < 1.05:
        raise SystemExit(f"Different sites were deployed: {mine} bytes, and {theirs} by netlify-cli")
    # The first runs warm everything up.
    del ours[0], rival[0]
    ratio = statistics.median(one / other for one, other in zip(ours, rival, strict=True))
    facts = {"seconds": statistics.median(ours), "uploaded": mine}
    others = {"rival_seconds": statistics.median(rival), "rival_uploaded": theirs}
    _print("deploy_ratio", ratio=ratio, rounds=ROUNDS, **facts, rival="netlify-cli", **others)


def _measure_redeploy(service: netlify.StandIn, site: Site, build: Build) -> None:
    """Count at the stand-in what an unchanged site uploads."""
    service.uploaded(forget=True)
    netlify.deploy(site, build)
    first = service.uploaded()
    seconds, _ = netlify.deploy(site, build)
    facts = {"rival": "the first deploy", "rival_value": first, "seconds": seconds}
    _print("redeploy_uploaded_bytes", value=service.uploaded(), **facts)


def _with_many_files(build: Build) -> Build:
    """Return a build of the same agent whose site has 1,000 more files."""
    from builds.artifacts import storage
    from builds.models import Artifact, Build, BuildStatus

    facts = {"owner": build.owner, "revision": build.revision, "status": BuildStatus.SUCCEEDED}
    large: Build = Build.objects.create(targets=["plugin", "function"], **facts)
    [function] = build.artifacts.filter(target="function", name="bootstrap")
    named = {"owner": build.owner, "build": large}
    files = [
        Artifact(target="function", name="bootstrap", sha256=function.sha256, size=function.size, **named)
    ]
    for number in range(FILES):
        sha256 = storage.put(secrets.token_bytes(FILE_BYTES))
        name = f"file-{number:04}.bin"
        files.append(Artifact(target="plugin", name=name, sha256=sha256, size=FILE_BYTES, **named))
    Artifact.objects.bulk_create(files)
    return large


def _measure_memory(
    service: netlify.StandIn, site: Site, large: Build, worker: psutil.Process, directory: Path
) -> None:
    """Compare the worker's peak memory with its memory when it started to listen."""
    before = worker.memory_info().rss / 1e6
    # Resets the peak that the kernel reports.
    Path(f"/proc/{worker.pid}/clear_refs").write_text("5")
    seconds, deployment = netlify.deploy(site, large)
    grown = _peak(worker) - before
    if deployment.uploaded_files < FILES:
        raise SystemExit(f"Only {deployment.uploaded_files} files were uploaded.")
    netlify.lay_out(site, large, directory)
    service.uploaded(forget=True)
    theirs, done = netlify.deploy_by_cli(service, directory, site)
    facts = {"files": deployment.files, "before_mb": before, "seconds": seconds}
    rival = {"rival": "netlify-cli, in all", "rival_mb": done.megabytes, "rival_seconds": theirs}
    _print("deploy_memory", value_mb=grown, **facts, **rival)


def _peak(process: psutil.Process) -> float:
    [line] = [
        line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "VmHWM" in line
    ]
    return int(line.split()[1]) * 1024 / 1e6


def _measure_function(site: Site, build: Build, directory: Path) -> None:
    from deployments import bundle
    from deployments.sites import variables
    from tests.deployments.bundle import hello

    [function] = [file for file in bundle.assemble(site, build).files if file.is_function]
    _print("function_zip_bytes", value=function.content.size)
    home = directory / "hello"
    home.mkdir()
    bootstrap = directory / "bootstrap"
    bootstrap.write_bytes(netlify.artifact(build, "function").read_bytes())
    bootstrap.chmod(0o755)
    given = {**variables.access_variables(site), "OPENAI_API_KEY": "sk-of-nobody"}
    least = hello.program(home)
    pairs = [(_start(bootstrap, given), _start(least, {})) for _ in range(STARTS)]
    middle, theirs = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    facts = {"starts": STARTS, "rival": "the least function in Go", "rival_ms": theirs}
    _print("function_cold_start", ms=middle, **facts)


def _start(program: Path, variables: dict[str, str]) -> float:
    """Return the seconds from the start of a function's process to its first response."""
    with LambdaRuntime() as platform:
        given = {"PATH": os.defpath, **variables, "AWS_LAMBDA_RUNTIME_API": platform.address}
        started = time.perf_counter()
        with subprocess.Popen([program], env=given, stderr=subprocess.DEVNULL) as process:
            try:
                answer = platform.invoke("/api/session", {}, "GET")
                seconds = time.perf_counter() - started
            finally:
                process.kill()
    if answer["statusCode"] != 200:
        raise SystemExit(f"The function did not answer: {answer}")
    return seconds


def _print(figure: str, **facts: object) -> None:
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in facts.items()}
    print(json.dumps({"figure": figure, **rounded}), flush=True)


if __name__ == "__main__":
    main()
