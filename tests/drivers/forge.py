"""Run the whole forge as `make run` does, in a data directory and on ports of its own."""

from __future__ import annotations

import json
import os
import pwd
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Self

import psutil

from .ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
READY = re.compile(r"AgentForge is ready after ([0-9.]+) s: (http://\S+)")


class Forge:
    """One launcher, with what it printed; ends it when the `with` block ends."""

    def __init__(
        self,
        var_dir: Path,
        *,
        port: int | None = None,
        user: str | None = None,
        command: list[str] | None = None,
        root: Path = ROOT,
        shell: Mapping[str, str] = MappingProxyType({}),
        **environment: str,
    ) -> None:
        self.var_dir = var_dir
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        self.output: list[str] = []
        self.seconds = 0.0
        self._root = root
        self._user = user
        self._command = command or [sys.executable, "-E", "-s", "-m", "agentforge.launch"]
        inherited = {name: value for name, value in os.environ.items() if name not in _OWN}
        self._environment = {
            **inherited,
            "AGENTFORGE_VAR": str(var_dir),
            "MAKELEVEL": "1",  # as below make: it ends with the process that started it, were that killed
            "PORT": str(self.port),
            "MODEL_PORT": str(free_port()),
            # Whatever runs on this machine.
            "LOCAL_MODEL_SERVERS": "0",
            # The run's forges share one warm Go cache; another user has to make his own.
            **({"AGENTFORGE_GO_DIR": str(var_dir / "go")} if user else {}),
            **shell,
            **environment,
        }
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def start(self) -> Self:
        """Start the launcher."""
        self.process = subprocess.Popen(
            self._command,
            cwd=self._root,
            env=self._environment,
            user=self._user,
            group=pwd.getpwnam(self._user).pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run another command as the same user in the same environment."""
        return subprocess.run(
            command,
            cwd=self._root,
            env=self._environment,
            user=self._user,
            group=pwd.getpwnam(self._user).pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.output.append(line)
                self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, pattern: str | re.Pattern[str], seconds: float = 240) -> re.Match[str]:
        """Read on until a line matches, and return the match."""
        while True:
            try:
                line = self._lines.get(timeout=seconds)
            except queue.Empty:
                raise AssertionError(f"No {pattern!r} in {seconds} s:\n{self.text}") from None
            assert line is not None, f"Ended before {pattern!r}:\n{self.text}"
            if match := re.search(pattern, line):
                return match

    def wait_until_printed(self, pattern: str) -> None:
        """Wait for a line unless it is among those that were read already."""
        if not re.search(pattern, self.text):
            self.wait_for(pattern)

    def wait_until_ready(self) -> Self:
        """Wait for the line with the address, and remember the seconds that it names."""
        match = self.wait_for(READY)
        self.seconds = float(match[1])
        assert match[2] == self.url
        return self

    @property
    def text(self) -> str:
        """Everything printed so far."""
        return "".join(self.output)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the launcher a signal and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=120)

    def processes(self) -> list[psutil.Process]:
        """Return every process of this data directory: by its environment or its command line."""
        return [process for process in psutil.process_iter() if self._owns(process)]

    def _owns(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            named = process.environ().get("AGENTFORGE_VAR") == str(self.var_dir)
            return named or any(str(self.var_dir) in word for word in process.cmdline())
        except psutil.Error:
            return False

    def program(self, name: str) -> psutil.Process:
        """Return the running process of a line of the Procfile, or the database server."""
        if name == "postgres":
            return psutil.Process(int((self.var_dir / "postgres" / "postmaster.pid").read_text().split()[0]))
        known = json.loads((self.var_dir / "run" / "processes.json").read_text())
        return psutil.Process(next(entry["pid"] for entry in known if entry["name"] == name))

    @property
    def model_url(self) -> str:
        """Where its local model answers."""
        return f"http://127.0.0.1:{self._environment['MODEL_PORT']}/v1"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *failure: object) -> None:
        if self.process.poll() is None:
            self.stop()
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._reader.join()


# What one test run set for itself, or another forge's launcher did.
_OWN = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "LOCAL_MODEL_URL"}
