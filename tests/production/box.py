"""A machine on this one: systemd as process 1, files of its own, an address of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Self

import psutil

from .network import Network

BOOT = Path(__file__).with_name("boot.sh")
_BOOTED = ("running", "degraded")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Box:
    """A booted machine; everything in it ends, and its files go, with the `with` block."""

    def __init__(self, network: Network, name: str, **shared: Path) -> None:
        self.name = name
        self._shared = {f"/{place.replace('_', '/')}": source for place, source in shared.items()}
        self._namespace, self.address = network.connect()
        self._image = Path(tempfile.mkdtemp(prefix="agentforge-box-"))
        self._group = Path(f"/sys/fs/cgroup/{self._image.name}")
        if (unified := Path("/sys/fs/cgroup/unified")).is_dir():
            self._group = unified / self._image.name

    def __enter__(self) -> Self:
        self._group.mkdir()
        binds = [word for place, source in self._shared.items() for word in (str(source), place)]
        # Its own control group first: the namespace's root is where the process is.
        join = f'echo $$ > {self._group}/cgroup.procs && exec "$@"'
        self._process = subprocess.Popen(
            [
                *("/bin/sh", "-c", join, "sh", "/usr/sbin/ip", "netns", "exec", self._namespace),
                *("/usr/bin/unshare", "--mount", "--pid", "--fork", "--cgroup", "--ipc", "--uts"),
                *("--kill-child", "/bin/sh", str(BOOT), self.name, str(self._image), *binds),
            ],
            env={"PATH": _PATH},
            stdin=subprocess.DEVNULL,
        )
        try:
            self._wait_until_booted()
        except BaseException:
            self._end()
            raise
        return self

    def _wait_until_booted(self) -> None:
        deadline = time.monotonic() + 180
        # Nothing tells from inside a namespace that it is made.
        while not (found := self._first_process()):
            assert self._process.poll() is None and time.monotonic() < deadline, "The machine did not boot."
            time.sleep(0.05)
        self._pid = found
        while self.run("systemctl is-system-running --wait", check=False).strip() not in _BOOTED:
            assert time.monotonic() < deadline, self.run("systemctl --no-pager list-jobs", check=False)
            time.sleep(0.1)
        assert "0 loaded units" in (failed := self.run("systemctl --failed --no-pager")), failed

    def _first_process(self) -> int:
        for process in psutil.Process(self._process.pid).children(recursive=True):
            try:
                if process.cmdline()[:1] == ["/lib/systemd/systemd"]:
                    return process.pid
            except psutil.Error:
                continue
        return 0

    def run(
        self,
        script: str,
        *,
        check: bool = True,
        seconds: float = 600,
        directory: str = "/root",
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Run a shell's lines as root, and return what they print; fails with it unless they succeed."""
        done = subprocess.run(
            ["/usr/bin/nsenter", "-t", str(self._pid), "-a", "/bin/bash", "-euo", "pipefail"],
            input=f"cd {directory}\n{script}\n",
            env={
                **{"PATH": _PATH, "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{script}\nended with {done.returncode}:\n{done.stdout[-6000:]}")
        return done.stdout

    def log(self) -> str:
        """Return what its units logged."""
        return self.run("journalctl --no-pager -o cat -u 'agentforge*'")

    def cut_power(self) -> None:
        """End all its processes at once."""
        psutil.Process(self._pid).kill()
        self._process.wait(timeout=30)

    def __exit__(self, *failure: object) -> None:
        if any(failure) and self._process.poll() is None:
            print(self.run("journalctl --no-pager -n 150 -o short-precise", check=False))
        self._end()

    def _end(self) -> None:
        if self._process.poll() is None:
            for process in psutil.Process(self._process.pid).children(recursive=True):
                # The first one takes the others with it.
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._image)
        deadline = time.monotonic() + 20
        while (groups := sorted(self._group.rglob("*/"), reverse=True)) or self._group.exists():
            assert time.monotonic() < deadline, groups
            for group in [*groups, self._group]:
                try:
                    os.rmdir(group)
                except OSError:
                    # Its processes are still ending.
                    time.sleep(0.05)
