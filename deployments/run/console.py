"""Show a deployment in a terminal, with a status line that is updated every second, or in a pipe."""

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

# Seconds between two lines about an upload in a pipe.
_EVERY = 5.0


class DeployConsole(Console):
    """Prints records as they arrive; as a context manager, it updates the status line."""

    def __init__(self, out: OutputWrapper, style: Style, *, as_json: bool = False) -> None:
        super().__init__(out, style, as_json=as_json)
        self._is_live = bool(out.isatty()) and not as_json
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._keep_time, name="deploy-clock", daemon=True)
        self._printed = 0.0
        # The current activity, its start, and the progress of its upload.
        self._activity, self._since, self._progress = "", 0.0, ""
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
        """Stop following; called by a signal handler, so it prints nothing."""
        self._stopping = True

    def show(self, record: Record, prefix: str = "") -> None:
        """Print one record; in a terminal, upload progress changes only the status line."""
        with self._lock:
            self._wipe()
            if self._as_json:
                super().show(record, prefix)
            elif record["kind"] == "progress":
                self._show_progress(record)
            elif record["kind"] == "wait":
                self._progress = ""
                self._print(f"    waiting {max(0.0, record['until'] - time.time()):.0f} s")
            else:
                self._update(record)
                super().show(record, prefix)
            self._draw()

    def _update(self, record: Record) -> None:
        if record["kind"] == "step":
            self._activity = record["name"] if record["state"] == "running" else ""
            self._since, self._progress = time.monotonic(), ""
        elif record["kind"] == "status":
            # Outside of its steps, a deployment is silent only while it waits for a worker.
            self._activity = "Waiting for the worker" if record["status"] == "queued" else ""
            self._since, self._progress = time.monotonic(), ""

    def _show_progress(self, record: Record) -> None:
        self._progress = upload_progress(record)
        is_last = record["files"] == record["of"]
        if not self._is_live and (is_last or time.monotonic() - self._printed >= _EVERY):
            self._printed = time.monotonic()
            self._print(f"    {self._progress}")

    def _keep_time(self) -> None:
        while not self._over.wait(1.0):
            with self._lock:
                self._wipe()
                self._draw()

    def _draw(self) -> None:
        if self._is_live and self._activity and not self._over.is_set():
            parts = [self._activity, f"{time.monotonic() - self._since:.0f} s", self._progress]
            text = "Stopping to follow…" if self._stopping else ", ".join(filter(None, parts))
            line = plain(text)[: shutil.get_terminal_size().columns - 1]
            self._out.write(line, ending="")
            self._out.flush()

    def _wipe(self) -> None:
        if self._is_live:
            # Return to the start of the line, and erase it (ECMA-48: EL).
            self._out.write("\r\x1b[K", ending="")
            self._out.flush()


def upload_progress(record: Record) -> str:
    """Format the progress of an upload: 3 of 5 files, 1.2 MB of 13.0 MB, 4.1 MB/s, about 3.0 s left."""
    sent, total, rate = (formats.size(record[name]) for name in ("sent", "total", "rate"))
    text = f"{record['files']} of {record['of']} files, {sent} of {total}, {rate}/s"
    left = record.get("left")
    return f"{text}, about {formats.duration(timedelta(seconds=left))} left" if left else text
