"""Stand in for a server that never finishes its answer: a byte now and then, so that no read times out."""

from __future__ import annotations

import socket
import threading
from typing import Self

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n" + b" " * 1000
_SECONDS = 0.2


class DrippingServer:
    """Accepts every connection and drips; `connections` counts them."""

    def __init__(self) -> None:
        self.connections = 0
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/v1"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._stopped.set()
        # A last connection wakes the thread that accepts.
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        drips: list[threading.Thread] = []
        while not self._stopped.is_set():
            connected, _ = self._listener.accept()
            self.connections += 1
            drips.append(threading.Thread(target=self._drip, args=[connected]))
            drips[-1].start()
        for drip in drips:
            drip.join()

    def _drip(self, connected: socket.socket) -> None:
        with connected:
            for position in range(len(_ANSWER)):
                if self._stopped.wait(_SECONDS):
                    return
                try:
                    connected.sendall(_ANSWER[position : position + 1])
                except OSError:
                    return
