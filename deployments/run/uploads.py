"""Upload several files to a host in parallel."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from deployments.hosts.base import Entry, Host, Stopped

from .progress import Progress

# As many as Netlify's own CLI.
PARALLEL = 5


def send_all(
    host: Host, deploy_id: str, entries: list[Entry], progress: Progress, stop: threading.Event
) -> None:
    """Upload entries, the largest first, and return when the host has them all.

    Raises HostError for the first one refused, and Stopped when the deployment is to stop.
    """

    def send(entry: Entry) -> None:
        if stop.is_set():
            raise Stopped
        host.upload(deploy_id, entry, progress.add)
        progress.file_done()

    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="upload") as pool:
        # A large file started last would delay the end alone.
        uploads = [pool.submit(send, entry) for entry in sorted(entries, key=lambda e: -e.content.size)]
        try:
            for upload in uploads:
                upload.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
