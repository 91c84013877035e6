"""Resumable uploads over the TUS protocol 1.0.0 (https://tus.io).

tuspy implements the protocol. This module adds what it lacks: a time limit on every request, and retries of
transient errors only. The credentials go to the configured endpoint alone: of a `Location` only the upload's
id is used, and redirects are not followed.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, TypeVar
from urllib.parse import urlsplit

import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError
from tusclient.uploader import Uploader

from agentforge.retry import retrying
from agentforge.whole_numbers import whole_number

from .errors import StorageProblem
from .supabase_answers import TRANSIENT, read_error, remedy
from .tus_request import ChunkRequest, LoggedSession, Refusal

R = TypeVar("R")

# Supabase requires chunks of exactly 6 MB, except the last one:
# https://supabase.com/docs/guides/storage/uploads/resumable-uploads
CHUNK = 6 * 1024 * 1024
_LONGEST_PAUSE = 8.0
# Status codes of an upload that the server no longer has.
_VANISHED = frozenset({404, 410})
_UPLOAD_ID = re.compile(r"[A-Za-z0-9_~%+=-][A-Za-z0-9_.~%+=-]*")


@dataclass(frozen=True)
class Endpoint:
    """Where an upload goes and how often each request is tried; `timeout` and first `pause` in seconds."""

    url: str
    headers: Mapping[str, str]
    timeout: float = 30.0
    tries: int = 8
    pause: float = 0.5
    chunk: int = CHUNK

    def upload_url(self, location: str) -> str:
        """Return the URL at this endpoint of the upload that a `Location` names.

        Scheme, host and path of `Location` are ignored: behind a proxy they are often wrong, and the
        credentials must not follow them. Raises StorageProblem when it names no upload.
        """
        parent, _, upload_id = urlsplit(location).path.rpartition("/")
        collection = self.url.rstrip("/").rpartition("/")[2]
        if parent.rpartition("/")[2] != collection or not _UPLOAD_ID.fullmatch(upload_id):
            raise StorageProblem(
                f"The artifact storage at {self.url} answered with a foreign upload address: Location names "
                f"{location[:200]}. Nothing was sent there. Check SUPABASE_STORAGE_URL here, and "
                "at the storage STORAGE_PUBLIC_URL and REQUEST_ALLOW_X_FORWARDED_PATH.",
                permanent=True,
            )
        return f"{self.url.rstrip('/')}/{upload_id}"

    def owns(self, url: str) -> bool:
        """Return whether a recorded upload is at this endpoint."""
        prefix, _, upload_id = url.rpartition("/")
        return prefix == self.url.rstrip("/") and bool(_UPLOAD_ID.fullmatch(upload_id))


class _Vanished(StorageProblem):
    """The server no longer has the upload."""


class _Uploader(Uploader):
    """tuspy's uploader on a single connection, with time limits."""

    def __init__(self, session: requests.Session, endpoint: Endpoint, **options: object) -> None:
        self.session = session
        self.endpoint = endpoint
        self.timeout = endpoint.timeout
        self.progress: Callable[[int, int], None] = lambda sent, total: None
        self._most = -1
        super().__init__(**options)
        # Asked once: it moves the position in the file.
        self.total = self.get_file_size()

    def report(self, sent: int) -> None:
        """Report bytes that were sent, or that the server has; never fewer than before."""
        if sent > self._most:
            self._most = sent
            self.progress(sent, self.total)

    def create_url(self) -> str:
        response = self._send("POST", self.client.url, self.get_url_creation_headers())
        if response.status_code != 201 or "location" not in response.headers:
            raise Refusal(response)
        return self.endpoint.upload_url(response.headers["location"])

    def get_offset(self) -> int:
        response = self._send("HEAD", self.url, self.get_headers())
        offset = whole_number(response.headers.get("upload-offset", ""))
        if offset is None:
            raise Refusal(response)
        return offset

    def _send(self, method: str, url: str, headers: Mapping[str, str]) -> requests.Response:
        try:
            return self.session.request(
                method, url, headers=dict(headers), timeout=self.timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            raise TusCommunicationError(str(error)) from error

    def _do_request(self) -> None:
        self.request = ChunkRequest(self)
        self.request.perform()


def upload(
    endpoint: Endpoint,
    content: IO[bytes],
    metadata: Mapping[str, str],
    *,
    resume_url: str = "",
    on_create: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> None:
    """Upload a file, resuming the interrupted upload at `resume_url` if the server still knows it.

    `on_create(url)` is called for a new upload, `progress(sent, total)` with the bytes that were sent.
    Raises StorageProblem when the server refuses or a request fails `tries` times.
    """
    with LoggedSession() as session:
        uploader = _Uploader(
            session,
            endpoint,
            client=TusClient(endpoint.url, headers=dict(endpoint.headers)),
            file_stream=content,
            chunk_size=endpoint.chunk,
            metadata=dict(metadata),
        )
        _resume_or_create(uploader, endpoint, resume_url, on_create)
        try:
            _send_rest(uploader, endpoint, progress)
        except _Vanished:
            # It expired, or the server could not complete it: all bytes are sent again, once.
            _create(uploader, endpoint, on_create)
            _send_rest(uploader, endpoint, progress)


def _send_rest(uploader: _Uploader, endpoint: Endpoint, progress: Callable[[int, int], None]) -> None:
    uploader.progress = progress
    uploader.report(uploader.offset)
    while uploader.offset < uploader.total:
        _retry(uploader.upload_chunk, uploader, endpoint)
        uploader.report(uploader.offset)


def _resume_or_create(
    uploader: _Uploader, endpoint: Endpoint, resume_url: str, on_create: Callable[[str], None]
) -> None:
    if endpoint.owns(resume_url):
        uploader.url = resume_url
        # Refused or silent: a new upload replaces it, once the server accepts one.
        with contextlib.suppress(StorageProblem):
            uploader.offset = _retry(uploader.get_offset, uploader, endpoint)
            return
    _create(uploader, endpoint, on_create)


def _create(uploader: _Uploader, endpoint: Endpoint, on_create: Callable[[str], None]) -> None:
    uploader.url = None
    uploader.offset = 0
    uploader.url = _retry(uploader.create_url, uploader, endpoint)
    on_create(uploader.url)


def _retry(send: Callable[[], R], uploader: _Uploader, endpoint: Endpoint) -> R:
    """Call `send` until it succeeds; before each retry, ask the server how much of the file it has."""

    def pause(seconds: float) -> None:
        time.sleep(seconds)
        if uploader.url:
            try:
                uploader.offset = uploader.get_offset()
            except TusCommunicationError as error:
                # A server that still does not answer fails the next try as well. A refusal is believed: the
                # server closes the connection while a chunk is sent, so `send` may not have seen its answer.
                if not _is_transient(error):
                    raise

    policy = retrying(
        _is_transient,
        first=endpoint.pause,
        longest=_LONGEST_PAUSE,
        attempts=endpoint.tries,
        sleep=pause,
        asked=lambda error: error.retry_after if isinstance(error, Refusal) else 0.0,
    )
    try:
        return policy(send)
    except TusCommunicationError as error:
        raise _storage_problem(error, uploader) from error


def _is_transient(error: BaseException) -> bool:
    if not isinstance(error, TusCommunicationError):
        return False
    return error.status_code is None or error.status_code >= 500 or error.status_code in TRANSIENT


def _storage_problem(error: TusCommunicationError, uploader: _Uploader) -> StorageProblem:
    status, _, body = read_error(error.status_code or 0, error.response_content or b"")
    answer = f"it answered {status}" if status else "it does not answer"
    vanished = bool(uploader.url) and error.status_code in _VANISHED
    sent = 0 if vanished else uploader.offset
    kept = f"{sent:,} of {uploader.total:,} bytes are there"
    message = f"The upload to the artifact storage stopped: {answer}{f' ({body})' if body else ''}; {kept}."
    if vanished:
        # Vanished again right after a new beginning: a later attempt may succeed.
        return _Vanished(message)
    return StorageProblem(message + remedy(status), permanent=not _is_transient(error))
