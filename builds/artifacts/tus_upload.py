"""Upload by the TUS protocol 1.0.0 (https://tus.io), and go on where an interrupted upload stopped.

tuspy speaks the protocol; what it leaves open is here: every request has a time limit, and only what may be
different the next time is tried again.
"""

from __future__ import annotations

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

from .errors import StorageProblem

Answer = TypeVar("Answer")

# Supabase takes pieces of exactly 6 MB, the last one excepted:
# https://supabase.com/docs/guides/storage/uploads/resumable-uploads
CHUNK = 6 * 1024 * 1024
# Answers after which the same request may succeed: locked by a dying upload, too busy, broken for now.
_PASSING = frozenset({408, 409, 423, 425, 429})


@dataclass(frozen=True)
class Place:
    """Say where an upload goes, with which headers, and how patient it is (seconds, tries, seconds)."""

    endpoint: str
    headers: Mapping[str, str]
    timeout: float = 30.0
    tries: int = 5
    pause: float = 0.5
    chunk: int = CHUNK


class _Request(TusRequest):
    """Send one piece, within a time limit."""

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
    """tuspy's uploader, over one connection and with time limits."""

    def __init__(self, session: requests.Session, timeout: float, **options: object) -> None:
        self.session = session
        self.timeout = timeout
        super().__init__(**options)

    def create_url(self) -> str:
        response = self._ask("POST", self.client.url, self.get_url_creation_headers())
        if response.status_code != 201 or "location" not in response.headers:
            raise TusCommunicationError("", response.status_code, response.content)
        return str(urljoin(self.client.url, response.headers["location"]))

    def get_offset(self) -> int:
        response = self._ask("HEAD", self.url, self.get_headers())
        if "upload-offset" not in response.headers:
            raise TusCommunicationError("", response.status_code, response.content)
        return int(response.headers["upload-offset"])

    def _ask(self, method: str, url: str, headers: Mapping[str, str]) -> requests.Response:
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
    place: Place,
    content: IO[bytes],
    metadata: Mapping[str, str],
    *,
    begun: str = "",
    on_begin: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> None:
    """Upload a file; `begun` is the address of an upload that was interrupted, if there is one.

    `on_begin` is told the address of a new upload, `progress` the bytes that the server has, and how many
    there are. Raises StorageProblem when the server refuses, or fails `tries` times in a row.
    """
    with requests.Session() as session:
        uploader = _Uploader(
            session,
            place.timeout,
            client=TusClient(place.endpoint, headers=dict(place.headers)),
            file_stream=content,
            chunk_size=place.chunk,
            metadata=dict(metadata),
        )
        total = uploader.get_file_size()
        _begin(uploader, place, begun, on_begin)
        progress(uploader.offset, total)
        while uploader.offset < total:
            _patiently(place, uploader, uploader.upload_chunk)
            progress(uploader.offset, total)


def _begin(uploader: _Uploader, place: Place, begun: str, on_begin: Callable[[str], None]) -> None:
    """Find how far an interrupted upload came; begin a new one where the server knows none."""
    if begun:
        uploader.url = begun
        try:
            uploader.offset = _patiently(place, uploader, uploader.get_offset)
            return
        except StorageProblem as problem:
            if not problem.lasting:
                raise
    uploader.url = _patiently(place, uploader, uploader.create_url)
    uploader.offset = 0
    on_begin(uploader.url)


def _patiently(place: Place, uploader: _Uploader, ask: Callable[[], Answer]) -> Answer:
    """Ask until there is an answer; between tries, look how much of the file the server has."""
    attempt = 1
    while True:
        try:
            return ask()
        except TusCommunicationError as error:
            passing = error.status_code is None or error.status_code >= 500 or error.status_code in _PASSING
            if not passing or attempt == place.tries:
                raise _problem(error, uploader, lasting=not passing) from error
        time.sleep(place.pause * 2 ** (attempt - 1))
        attempt += 1
        _look(uploader)


def _look(uploader: _Uploader) -> None:
    if uploader.url:
        try:
            uploader.offset = uploader.get_offset()
        except TusCommunicationError:
            # It does not answer yet; the next try says why.
            return


def _problem(error: TusCommunicationError, uploader: _Uploader, *, lasting: bool) -> StorageProblem:
    answer = f"it answered {error.status_code}" if error.status_code else "it does not answer"
    said = (error.response_content or b"").decode("utf-8", "replace")[:200]
    kept = f"{uploader.offset:,} of {uploader.get_file_size():,} bytes are there"
    told = f"The upload to the artifact storage stopped: {answer}{f' ({said})' if said else ''}; {kept}."
    return StorageProblem(told, lasting=lasting)
