"""Run a compiled agent for one request: its host in the sandbox, its events as a stream."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import certifi

from builds.compiler import processes, sandbox, sources
from builds.compiler.workspace import temporary_workspace
from builds.package import assembly
from configs.tools.services import services_of

from . import egress
from .agent_directory import AgentDirectory, keeps_files

Event = dict[str, Any]
OnEvent = Callable[[Event], None]
_SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# The agent enforces its own time limit; the forge kills it this much later.
_GRACE_SECONDS = 10
# What the runtime needs on top of the agent's memory limit (MiB).
_RUNTIME_MEMORY = 256
_LAST_LINES = 5
_LONGEST_ERROR = 1000
# What an agent may print (MiB): far more than the longest answers with all their events.
_OUTPUT = 32
# Ended by the kernel for want of memory, or by hand; bubblewrap reports its child's signal as a shell does.
_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)
# Events of the network: a hostile program could try destinations without end.
_MOST_DESTINATIONS = 20
_SOCKET = "egress.sock"


@dataclass(frozen=True)
class Program:
    """A host, a plugin, and the canonical JSON that the plugin was built from.

    Without a plugin, the host is the program for drafts, which reads the canonical JSON itself, and the index
    of the draft's files if it has any.
    """

    host: Path
    plugin: Path | None
    document: str
    index: Path | None = None

    @property
    def limits(self) -> sandbox.Limits:
        limits = json.loads(self.document)["limits"]
        seconds = int(limits["seconds"]) + _GRACE_SECONDS
        memory = int(limits["memory_mb"]) + _RUNTIME_MEMORY
        return sandbox.Limits(seconds=seconds, data=memory, file_size=1, cpu_seconds=seconds, output=_OUTPUT)

    @property
    def tool_hosts(self) -> list[str]:
        """Return the hosts that the agent's tools may reach."""
        settings = json.loads(self.document)["capabilities"].get("tool_settings", {})
        listed = [host for values in settings.values() for host in values.get("hosts", [])]
        return [*listed, *(service.host for service in services_of(settings) if service.url)]

    def destinations(self, environment: Mapping[str, str]) -> set[egress.Destination]:
        """Return the only network destinations that the agent may reach: its provider, and its fallback."""
        document = json.loads(self.document)
        asked = [document[name] for name in ("provider", "fallback") if name in document]
        return {
            egress.destination_of(environment.get(section["base_url_env"]) or section["base_url"])
            for section in asked
        }


async def converse(
    program: Program,
    messages: Sequence[Mapping[str, Any]],
    environment: Mapping[str, str],
    on_event: OnEvent,
    on_error_line: Callable[[str], None] = lambda line: None,
    approval: Mapping[str, Any] | None = None,
    files: bytes = b"",
    served: Mapping[egress.Destination, egress.Serve] = MappingProxyType({}),
) -> bytes:
    """Send messages to the agent, with what is known of approvals, and pass its events to `on_event`.

    `files` is what its tools kept earlier in the conversation; return what they keep now. `served` are
    destinations that this process stands in for.

    There is one `network` event more per destination. `on_error_line` gets what the agent's process prints to
    standard error; it may hold the keys.
    The agent's last event is always one `done` or `error`, even when it is killed or times out. The keys are
    in `environment`, which only the agent's process sees.
    """
    # Not in TMPDIR: on many servers programs can't be run from there.
    with temporary_workspace("chat") as work:
        listener = _Listener(on_event, on_error_line)
        attempts = _NetworkAttempts(on_event)
        allowed, hosts = program.destinations(environment), program.tool_hosts
        request = {"messages": messages, "approval": approval or {}}
        async with egress.proxy_server(work / _SOCKET, allowed, attempts.add, hosts, served):
            directory = AgentDirectory.prepare(work, files) if keeps_files(program.document) else None
            finished = await _run(program, work, request, environment, listener, directory)
        kept = directory.read() if directory else b""
    if not listener.ended:
        on_event(_error_event(finished, program, listener.errors))
    return kept or files


async def _run(
    program: Program,
    work: Path,
    request: Mapping[str, Any],
    environment: Mapping[str, str],
    listener: _Listener,
    directory: AgentDirectory | None,
) -> processes.ExitStatus:
    host, agent = _place(program.host, work / assembly.HOST), _place_agent(program, work)
    authorities = _SYSTEM_AUTHORITIES if _SYSTEM_AUTHORITIES.exists() else Path(certifi.where())
    # Its directory is read-only: files in it could fill this machine's disk.
    index = [_place(program.index, work / sources.INDEX)] if program.index else []
    access = sandbox.FileAccess(work, reads=[authorities, host, agent, *index], writes=[work / _SOCKET])
    command = [str(host), "--request", str(agent)]
    if directory is not None:
        access, command = directory.access(access), directory.command(command)
        environment = {**environment, **directory.environment}
    return await processes.run(
        sandbox.wrap(command, access, program.limits),
        directory=work,
        environment={
            **environment,
            # Relative: a whole path may be too long for a socket.
            "AGENT_EGRESS_SOCKET": _SOCKET,
            "SSL_CERT_FILE": str(authorities),
            "HOME": str(work),
        },
        seconds=program.limits.seconds,
        output_bytes=program.limits.output_bytes,
        on_line=listener.line,
        stdin=json.dumps(request, ensure_ascii=False).encode(),
    )


def _place_agent(program: Program, work: Path) -> Path:
    if program.plugin is not None:
        return _place(program.plugin, work / "agent.so")
    target = work / sources.CONFIGURATION
    target.write_text(program.document, encoding="utf-8")
    return target


def _place(stored: Path, target: Path) -> Path:
    """Link a stored file into the throwaway directory, or copy it from another disk."""
    try:
        os.link(stored, target)
    except OSError:
        shutil.copyfile(stored, target)
        target.chmod(0o755)
    return target


class _Listener:
    """Turns the host's output lines into events."""

    def __init__(self, on_event: OnEvent, on_error_line: Callable[[str], None]) -> None:
        self._on_event = on_event
        self._on_error_line = on_error_line
        self.errors: list[str] = []
        self.ended = False

    def line(self, stream: str, text: str) -> None:
        if stream == "err":
            self.errors = [*self.errors, text[:_LONGEST_ERROR]][-_LAST_LINES:]
            self._on_error_line(text)
            return
        with contextlib.suppress(ValueError, RecursionError):
            event = json.loads(text)
            if isinstance(event, dict) and not self.ended:
                self.ended = event.get("type") in ("done", "error")
                self._on_event(event)


class _NetworkAttempts:
    """Emits one event per destination, however often the agent connects to it, and only so many."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self._seen: set[tuple[str, int, bool]] = set()

    def add(self, host: str, port: int, allowed: bool) -> None:
        if (host, port, allowed) not in self._seen and len(self._seen) < _MOST_DESTINATIONS:
            self._seen.add((host, port, allowed))
            self._on_event({"type": "network", "host": host, "port": port, "allowed": allowed})


def _error_event(finished: processes.ExitStatus, program: Program, errors: list[str]) -> Event:
    limits = program.limits
    if finished.timed_out:
        message = f"The agent did not end within {limits.seconds:.0f} s and was stopped."
        return {"type": "error", "code": "time_limit", "message": message}
    if finished.flooded:
        message = f"The agent printed more than {limits.output} MB and was stopped. Its text so far was kept."
        return {"type": "error", "code": "output_limit", "message": message}
    if finished.exit_code in _KILLED:
        return {"type": "error", "code": "killed", "message": _killed(program)}
    reason = " ".join(errors) or f"exit code {finished.exit_code}"
    return {"type": "error", "code": "internal", "message": f"The agent ended without an answer: {reason}"}


def _killed(program: Program) -> str:
    memory = json.loads(program.document)["limits"]["memory_mb"]
    again = "ask again" if program.plugin is None else "compile the agent again"
    return (
        "The agent was killed before its answer ended, most likely because it needed more than its "
        f"{memory} MB of memory. Its text so far was kept. Ask for less, or raise Memory in MB under "
        f"Capabilities and {again}."
    )
