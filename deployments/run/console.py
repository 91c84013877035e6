"""Show a deployment in a terminal, where a last line tells every second how far it is, or in a pipe."""

from __future__ import annotations

import shutil
import threading
import time
from datetime import timedelta
from typing import Self

from django.core.management.base import OutputWrapper
from django.core.management.color import Style

from agentforge import formats
from builds.logs.ansi import plain
from builds.logs.console import Console, Record

# Seconds between two lines about an upload, where no line can be written over.
_EVERY = 5.0


class DeployConsole(Console):
    """Print records as they come; enter it so that the last line of a terminal keeps time."""

    def __init__(self, out: OutputWrapper, style: Style, *, as_json: bool = False) -> None:
        super().__init__(out, style, as_json=as_json)
        self._is_live = bool(out.isatty()) and not as_json
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._keep_time, name="deploy-clock", daemon=True)
        self._told = 0.0
        # What goes on, since when, and how far it is.
        self._doing, self._since, self._far = "", 0.0, ""
        self._stopping = False

    def __enter__(self) -> Self:
        if self._is_live:
            self._clock.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        if self._is_live:
            self._clock.join()
            self._wipe()

    @property
    def is_stopping(self) -> bool:
        return self._stopping

    def stop(self) -> None:
        """Note that somebody wants to see no more; a signal may come in the middle of a line."""
        self._stopping = True

    def show(self, record: Record, prefix: str = "") -> None:
        """Print one record; how far an upload is changes the last line only, where there is one."""
        with self._lock:
            self._wipe()
            if self._as_json:
                super().show(record, prefix)
            elif record["kind"] == "progress":
                self._show_progress(record)
            elif record["kind"] == "wait":
                self._far = ""
                self._print(f"    waiting {max(0.0, record['until'] - time.time()):.0f} s")
            else:
                self._note(record)
                super().show(record, prefix)
            self._draw()

    def _note(self, record: Record) -> None:
        if record["kind"] == "step":
            self._doing = record["name"] if record["state"] == "running" else ""
            self._since, self._far = time.monotonic(), ""
        elif record["kind"] == "status":
            # Between its steps a deployment goes on without a word only while it waits for a worker.
            self._doing = "Waiting for the worker" if record["status"] == "queued" else ""
            self._since, self._far = time.monotonic(), ""

    def _show_progress(self, record: Record) -> None:
        self._far = far(record)
        is_last = record["files"] == record["of"]
        if not self._is_live and (is_last or time.monotonic() - self._told >= _EVERY):
            self._told = time.monotonic()
            self._print(f"    {self._far}")

    def _keep_time(self) -> None:
        while not self._over.wait(1.0):
            with self._lock:
                self._wipe()
                self._draw()

    def _draw(self) -> None:
        if self._is_live and self._doing and not self._over.is_set():
            parts = [self._doing, f"{time.monotonic() - self._since:.0f} s", self._far]
            said = "Stopping to follow…" if self._stopping else ", ".join(filter(None, parts))
            words = plain(said)[: shutil.get_terminal_size().columns - 1]
            self._out.write(words, ending="")
            self._out.flush()

    def _wipe(self) -> None:
        if self._is_live:
            # To the line's beginning, and nothing from there on (ECMA-48: EL).
            self._out.write("\r\x1b[K", ending="")
            self._out.flush()


def far(record: Record) -> str:
    """Say how far an upload is: 3 of 5 files, 1.2 MB of 13.0 MB, 4.1 MB/s, about 3.0 s left."""
    sent, total, rate = (formats.size(record[name]) for name in ("sent", "total", "rate"))
    words = f"{record['files']} of {record['of']} files, {sent} of {total}, {rate}/s"
    left = record.get("left")
    return f"{words}, about {formats.duration(timedelta(seconds=left))} left" if left else words
