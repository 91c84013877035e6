"""Send several contents to a host side by side."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from deployments.hosts.base import Entry, Host, Stopped

from .progress import Progress

# As many as Netlify's own CLI.
PARALLEL = 5


def send_all(
    host: Host, deploy_id: str, wanted: list[Entry], progress: Progress, stop: threading.Event
) -> None:
    """Upload contents, the largest first, and return when the host has them all.

    Raises HostError for the first that it refuses, and Stopped when the work was cancelled.
    """

    def send(entry: Entry) -> None:
        if stop.is_set():
            raise Stopped
        host.upload(deploy_id, entry, progress.add)
        progress.file_done()

    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="upload") as pool:
        # One that is begun last would be waited for alone, were it large.
        running = [pool.submit(send, entry) for entry in sorted(wanted, key=lambda e: -e.content.size)]
        try:
            for each in running:
                each.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
