"""Run a compiled agent for one request: the host in the sandbox, its events as they come."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi

from builds.compiler import processes, sandbox
from builds.package import assembly

from . import egress

Event = dict[str, Any]
OnEvent = Callable[[Event], None]
_SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# The agent keeps its own time limit; this much later the forge ends it.
_GRACE_SECONDS = 10
# The runtime's own needs, above the memory limit that the agent was given (MiB).
_RUNTIME_MEMORY = 256
_LAST_LINES = 5


@dataclass(frozen=True)
class Program:
    """Name the host and plugin to run, and the canonical JSON that the plugin was built from."""

    host: Path
    plugin: Path
    document: str

    @property
    def limits(self) -> sandbox.Limits:
        given = json.loads(self.document)["limits"]
        seconds = int(given["seconds"]) + _GRACE_SECONDS
        memory = int(given["memory_mb"]) + _RUNTIME_MEMORY
        return sandbox.Limits(seconds=seconds, data=memory, file_size=1, cpu_seconds=seconds)

    def destination(self, environment: Mapping[str, str]) -> egress.Destination:
        """Return the only place on the network that the agent may reach."""
        provider = json.loads(self.document)["provider"]
        return egress.destination_of(environment.get(provider["base_url_env"]) or provider["base_url"])


async def converse(
    program: Program, messages: list[dict[str, str]], environment: Mapping[str, str], on_event: OnEvent
) -> None:
    """Ask the agent; `on_event` gets its events, and one of type `network` for each attempt to connect.

    Exactly one event of type `done` or `error` comes, as the last of the agent's own; also when the agent is
    killed or takes too long. The keys are in `environment`, which only the agent's process sees.
    """
    # A unix socket's path may have some 100 characters, so it can't lie below a deep data directory.
    with tempfile.TemporaryDirectory(prefix="agentforge-") as name:
        work = Path(name)
        listener = _Listener(on_event)
        attempts = _Attempts(on_event)
        allowed = {program.destination(environment)}
        async with egress.serving(work / "egress.sock", allowed, attempts.told):
            finished = await _run(program, work, messages, environment, listener)
    if not listener.ended:
        on_event(_ending(finished, program.limits, listener.errors))


async def _run(
    program: Program,
    work: Path,
    messages: list[dict[str, str]],
    environment: Mapping[str, str],
    listener: _Listener,
) -> processes.Finished:
    host, plugin = _place(program.host, work / assembly.HOST), _place(program.plugin, work / "agent.so")
    authorities = _SYSTEM_AUTHORITIES if _SYSTEM_AUTHORITIES.exists() else Path(certifi.where())
    room = sandbox.Room(work, reads=[authorities], writes=[work])
    return await processes.run(
        sandbox.wrap([str(host), "--request", str(plugin)], room, program.limits),
        directory=work,
        environment={
            **environment,
            "AGENT_EGRESS_SOCKET": str(work / "egress.sock"),
            "SSL_CERT_FILE": str(authorities),
            "HOME": str(work),
        },
        seconds=program.limits.seconds,
        on_line=listener.line,
        stdin=json.dumps({"messages": messages}).encode(),
    )


def _place(stored: Path, target: Path) -> Path:
    """Give a stored file its name in the throwaway directory; a link where the disk is the same."""
    try:
        os.link(stored, target)
    except OSError:
        shutil.copyfile(stored, target)
        target.chmod(0o755)
    return target


class _Listener:
    """Turn the host's lines into events."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self.errors: list[str] = []
        self.ended = False

    def line(self, stream: str, text: str) -> None:
        if stream == "err":
            self.errors = [*self.errors, text][-_LAST_LINES:]
            return
        with contextlib.suppress(ValueError):
            event = json.loads(text)
            if isinstance(event, dict) and not self.ended:
                self.ended = event.get("type") in ("done", "error")
                self._on_event(event)


class _Attempts:
    """Tell each destination once, not each of its connections."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self._told: set[tuple[str, int, bool]] = set()

    def told(self, host: str, port: int, allowed: bool) -> None:
        if (host, port, allowed) not in self._told:
            self._told.add((host, port, allowed))
            self._on_event({"type": "network", "host": host, "port": port, "allowed": allowed})


def _ending(finished: processes.Finished, limits: sandbox.Limits, errors: list[str]) -> Event:
    if finished.timed_out:
        told = f"The agent did not end within {limits.seconds:.0f} s and was stopped."
        return {"type": "error", "code": "time_limit", "message": told}
    reason = " ".join(errors) or f"exit code {finished.exit_code}"
    return {"type": "error", "code": "internal", "message": f"The agent ended without an answer: {reason}"}
