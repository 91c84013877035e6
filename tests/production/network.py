"""A network of its own for machines on this one: a namespace with a bridge, which the test itself enters."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Self

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Network:
    """A bridge at `address`, and namespaces that are connected to it; within the `with` block, the test's."""

    address = "10.83.0.1"

    def __init__(self) -> None:
        self.name = f"agentforge-{os.getpid()}"
        self._stack = ExitStack()
        self._members = 0

    def __enter__(self) -> Self:
        self._make(self.name)
        _within(self.name, "ip link add bridge type bridge")
        _within(self.name, f"ip addr add {self.address}/24 dev bridge")
        _within(self.name, "ip link set bridge up")
        self._enter()
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    def connect(self) -> tuple[str, str]:
        """Make a namespace that is connected; return its name and its address."""
        self._members += 1
        member, name = f"member{self._members}", f"{self.name}-{self._members}"
        address = f"10.83.0.{10 + self._members}"
        self._make(name)
        _within(self.name, f"ip link add {member} type veth peer name eth0 netns {name}")
        _within(self.name, f"ip link set {member} master bridge up")
        _within(name, f"ip addr add {address}/24 dev eth0")
        _within(name, "ip link set eth0 up")
        return name, address

    def _make(self, name: str) -> None:
        run("ip", "netns", "add", name)
        self._stack.callback(run, "ip", "netns", "del", name)
        _within(name, "ip link set lo up")

    def _enter(self) -> None:
        # Threads and processes that this thread starts are there too.
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self._stack.callback(os.close, before)
        own = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        self._stack.callback(os.close, own)
        _set_namespace(own)
        self._stack.callback(_set_namespace, before)


def _within(name: str, command: str) -> None:
    run("ip", "netns", "exec", name, *command.split())


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def run(*command: str) -> str:
    """Run a program, and return what it printed; fails with what it said."""
    program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin:/bin")
    assert program, f"{command[0]} is not installed"
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def missing(*programs: str) -> list[str]:
    """Return what is not installed here."""
    return [name for name in programs if not shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")]


def is_root() -> bool:
    return os.geteuid() == 0 and Path("/proc/self/ns/net").exists()
