"""An agent calls tools of servers of the official Go SDK: over HTTP and as a program, in both eras."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentforge.launch.lint import GO
from tests.drivers.absence import absent

from .test_mcp_servers import answer, listed

SOURCES = Path(__file__).parent / "go_server"
LEGACY, MODERN = "2025-11-25", "2026-07-28"
_NETWORK = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE")


@pytest.fixture(scope="module")
def program() -> Path:
    """The server, compiled once per machine with the modules that go.sum pins."""
    content = b"".join(path.read_bytes() for path in sorted(SOURCES.iterdir()))
    cache = Path(tempfile.gettempdir()) / f"agentforge-go-server-{os.getuid()}"
    cache.mkdir(mode=0o700, exist_ok=True)
    target = cache / hashlib.sha256(content).hexdigest()[:16]
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            _compile(cache, target)
    return target


def _compile(cache: Path, target: Path) -> None:
    network = {
        name: os.environ[name] for word in _NETWORK for name in (word, word.lower()) if name in os.environ
    }
    environment = network | {
        "PATH": os.environ["PATH"],
        "HOME": str(cache),
        "GOPATH": str(cache / "go"),
        "GOCACHE": str(cache / "cache"),
        "GOENV": "off",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOFLAGS": "-mod=readonly -modcacherw -trimpath",
        "CGO_ENABLED": "0",
    }
    command = [GO, "build", "-o", str(target), "."]
    done = subprocess.run(
        command, cwd=SOURCES, env=environment, capture_output=True, text=True, timeout=540, check=False
    )
    if done.returncode:
        absent(f"The official Go SDK comes from the Go module proxy, once: {done.stderr}")


@contextmanager
def serving(program: Path, *words: str) -> Iterator[tuple[str, list[str]]]:
    """Serve over HTTP; afterwards the list has the version of each request."""
    versions: list[str] = []
    with subprocess.Popen(
        [program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}", versions
        finally:
            process.terminate()
            versions.extend(process.stderr.read().splitlines())


@pytest.mark.parametrize(
    ("kind", "answers", "protocol", "spoken"),
    [
        ("stateless", "json", "", MODERN),
        ("stateless", "events", MODERN, MODERN),
        ("stateless", "events", LEGACY, LEGACY),
        # This kind has sessions, which the newest version has no more: the client turns to the other.
        ("sessions", "json", "", LEGACY),
        ("sessions", "events", LEGACY, LEGACY),
    ],
)
def test_a_server_at_an_address(
    program: Path, tmp_path: Path, kind: str, answers: str, protocol: str, spoken: str
) -> None:
    with serving(program, kind, answers) as (address, _):
        part = {**listed(address), "function": "mcp_peer_add", "reads": True}
    with serving(program, kind, answers) as (address, versions):
        server = {"name": "peer", "url": address, "tools": [part]}
        server |= {"protocol": protocol} if protocol else {}
        result = answer({"mcp": {"servers": [server]}}, "mcp_peer_add", tmp_path)
    assert (result["result"], result["error"]) == ("5", False)
    assert versions[-1] == spoken


def test_a_program(program: Path, tmp_path: Path) -> None:
    with serving(program, "stateless", "json") as (address, _):
        part = {**listed(address), "function": "local_peer_add", "reads": True}
    server = {"name": "peer", "command": str(program), "args": ["stdio"], "tools": [part]}
    result = answer({"local": {"servers": [server]}}, "local_peer_add", tmp_path)
    assert (result["result"], result["error"]) == ("5", False)
