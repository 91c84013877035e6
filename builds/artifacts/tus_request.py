"""The upload of one chunk over the TUS protocol: on a kept connection, with a time limit and progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

import requests
from tusclient.exceptions import TusCommunicationError, TusUploadFailed
from tusclient.request import TusRequest

from agentforge.telemetry.outbound_calls import outbound_call

from .errors import retry_after


class ChunkUploader(Protocol):
    """What an upload tells the request for its next chunk."""

    session: requests.Session
    timeout: float
    offset: int

    def report(self, sent: int) -> None: ...


class LoggedSession(requests.Session):
    """A session of `requests` whose calls are logged."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request; its time is that of the whole piece."""
        host = urlsplit(request.url or "").hostname or ""
        with outbound_call(request.method or "", host) as call:
            response = super().send(request, **options)
            call.outcome = str(response.status_code)
        return response


class Refusal(TusCommunicationError):
    """The server answered with an error."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__("", response.status_code, response.content)
        self.retry_after = retry_after(response.headers)


class _Chunk:
    """A part of a file that reports how much of it was read; requests sends it piece by piece."""

    def __init__(self, content: IO[bytes], length: int, on_read: Callable[[int], None]) -> None:
        self._content, self._length, self._on_read = content, length, on_read
        self._left = length

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1) -> bytes:
        piece = self._content.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        self._on_read(self._length - self._left)
        return piece


class ChunkRequest(TusRequest):
    """The upload of one chunk, with a time limit."""

    def __init__(self, uploader: ChunkUploader) -> None:
        super().__init__(uploader)
        self._session = uploader.session
        self._timeout = uploader.timeout
        offset = uploader.offset
        self._on_read = lambda sent: uploader.report(offset + sent)

    def perform(self) -> None:
        try:
            response = self._session.patch(
                self._url,
                data=_Chunk(self.file, self._content_length, self._on_read),
                headers=self._request_headers,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise TusUploadFailed(str(error)) from error
        if not response.ok or "upload-offset" not in response.headers:
            raise Refusal(response)
        self.status_code, self.response_content = response.status_code, response.content
        self.response_headers = {name.lower(): value for name, value in response.headers.items()}
