"""Find free TCP ports, and the programs that use the others."""

from __future__ import annotations

import socket

import psutil


def is_free(host: str, port: int) -> bool:
    """Return whether a server could listen on a port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: a port whose last connections are still closing counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def next_free(host: str, port: int) -> int:
    """Return the first free port after this one, or any free port if the next hundred are taken."""
    return next((p for p in range(port + 1, min(port + 101, 65536)) if is_free(host, p)), 0) or free_port()


def holder(port: int) -> str:
    """Return the name of the program that listens on a port; those of other users are hidden."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr
            if listens and listens.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return "another program"
