"""Resumable uploads over the TUS protocol 1.0.0 (https://tus.io).

tuspy implements the protocol. This module adds what it lacks: a time limit on every request, and retries of
transient errors only.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, TypeVar
from urllib.parse import urljoin

import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed
from tusclient.request import TusRequest
from tusclient.uploader import Uploader

from agentforge.retry import retrying

from .errors import StorageProblem

R = TypeVar("R")

# Supabase requires chunks of exactly 6 MB, except the last one:
# https://supabase.com/docs/guides/storage/uploads/resumable-uploads
CHUNK = 6 * 1024 * 1024
# Status codes after which the same request may succeed: locked by a dying upload, too busy.
_TRANSIENT = frozenset({408, 409, 423, 425, 429})
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class Endpoint:
    """Where an upload goes and how often each request is tried; `timeout` and first `pause` in seconds."""

    url: str
    headers: Mapping[str, str]
    timeout: float = 30.0
    tries: int = 5
    pause: float = 0.5
    chunk: int = CHUNK


class _Request(TusRequest):
    """The upload of one chunk, with a time limit."""

    def __init__(self, uploader: _Uploader) -> None:
        super().__init__(uploader)
        self._session = uploader.session
        self._timeout = uploader.timeout

    def perform(self) -> None:
        try:
            response = self._session.patch(
                self._url,
                data=self.file.read(self._content_length),
                headers=self._request_headers,
                timeout=self._timeout,
            )
        except requests.RequestException as error:
            raise TusUploadFailed(str(error)) from error
        self.status_code, self.response_content = response.status_code, response.content
        self.response_headers = {name.lower(): value for name, value in response.headers.items()}


class _Uploader(Uploader):
    """tuspy's uploader on a single connection, with time limits."""

    def __init__(self, session: requests.Session, timeout: float, **options: object) -> None:
        self.session = session
        self.timeout = timeout
        super().__init__(**options)

    def create_url(self) -> str:
        response = self._send("POST", self.client.url, self.get_url_creation_headers())
        if response.status_code != 201 or "location" not in response.headers:
            raise TusCommunicationError("", response.status_code, response.content)
        return str(urljoin(self.client.url, response.headers["location"]))

    def get_offset(self) -> int:
        response = self._send("HEAD", self.url, self.get_headers())
        if "upload-offset" not in response.headers:
            raise TusCommunicationError("", response.status_code, response.content)
        return int(response.headers["upload-offset"])

    def _send(self, method: str, url: str, headers: Mapping[str, str]) -> requests.Response:
        try:
            return self.session.request(method, url, headers=dict(headers), timeout=self.timeout)
        except requests.RequestException as error:
            raise TusCommunicationError(str(error)) from error

    def _do_request(self) -> None:
        self.request = _Request(self)
        self.request.perform()
        if not 200 <= self.request.status_code < 300 or "upload-offset" not in self.request.response_headers:
            raise TusUploadFailed("", self.request.status_code, self.request.response_content)


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

    `on_create(url)` is called for a new upload, `progress(sent, total)` with the bytes that the server has.
    Raises StorageProblem when the server refuses or a request fails `tries` times.
    """
    with requests.Session() as session:
        uploader = _Uploader(
            session,
            endpoint.timeout,
            client=TusClient(endpoint.url, headers=dict(endpoint.headers)),
            file_stream=content,
            chunk_size=endpoint.chunk,
            metadata=dict(metadata),
        )
        total = uploader.get_file_size()
        _resume_or_create(uploader, endpoint, resume_url, on_create)
        progress(uploader.offset, total)
        while uploader.offset < total:
            _retry(uploader.upload_chunk, uploader, endpoint)
            progress(uploader.offset, total)


def _resume_or_create(
    uploader: _Uploader, endpoint: Endpoint, resume_url: str, on_create: Callable[[str], None]
) -> None:
    if resume_url:
        uploader.url = resume_url
        try:
            uploader.offset = _retry(uploader.get_offset, uploader, endpoint)
            return
        except StorageProblem as problem:
            if not problem.permanent:
                raise
    uploader.url = _retry(uploader.create_url, uploader, endpoint)
    uploader.offset = 0
    on_create(uploader.url)


def _retry(send: Callable[[], R], uploader: _Uploader, endpoint: Endpoint) -> R:
    """Call `send` until it succeeds; before each retry, ask the server how much of the file it has."""

    def pause(seconds: float) -> None:
        time.sleep(seconds)
        if uploader.url:
            # A server that still does not answer fails the next try as well.
            with contextlib.suppress(TusCommunicationError):
                uploader.offset = uploader.get_offset()

    policy = retrying(
        _is_transient, first=endpoint.pause, longest=_LONGEST_PAUSE, attempts=endpoint.tries, sleep=pause
    )
    try:
        return policy(send)
    except TusCommunicationError as error:
        raise _storage_problem(error, uploader) from error


def _is_transient(error: BaseException) -> bool:
    if not isinstance(error, TusCommunicationError):
        return False
    return error.status_code is None or error.status_code >= 500 or error.status_code in _TRANSIENT


def _storage_problem(error: TusCommunicationError, uploader: _Uploader) -> StorageProblem:
    answer = f"it answered {error.status_code}" if error.status_code else "it does not answer"
    body = (error.response_content or b"").decode("utf-8", "replace")[:200]
    kept = f"{uploader.offset:,} of {uploader.get_file_size():,} bytes are there"
    message = f"The upload to the artifact storage stopped: {answer}{f' ({body})' if body else ''}; {kept}."
    return StorageProblem(message, permanent=not _is_transient(error))
