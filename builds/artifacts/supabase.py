"""Artifacts in a private bucket of Supabase Storage.

Paths and bodies: https://supabase.com/docs/reference/self-hosting-storage/introduction. Most errors have the
HTTP status 400; the real one is `statusCode` in the body.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from typing import IO, Any
from urllib.parse import quote

import httpx
from django.core.files import File
from django.core.files.storage import Storage

from agentforge.telemetry.outbound_calls import LoggedClient

from .errors import BucketExists, BucketMissing, FileMissing, StorageProblem
from .supabase_answers import MEDIA_TYPE, check_bucket, storage_problem
from .supabase_key import REMEDY, key_problem
from .tus_upload import CHUNK, Endpoint, upload

# Entries per page of a listing; the service's default is 100.
_PAGE = 1000
_IN_MEMORY = 1024 * 1024
_PIECE = 64 * 1024


class SupabaseStorage(Storage):
    """Supabase Storage, accessed with the secret `service_role` key, which never reaches a browser."""

    # Files of at most so many bytes are uploaded in a single request only; those of up to `first_request`
    # bytes are tried in one, before they are sent resumably.
    single_request = CHUNK
    first_request = 13 * 1024 * 1024

    def __init__(
        self, *, url: str, key: str, bucket: str, seconds: int = 60, timeout: float = 30.0, pause: float = 0.5
    ) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._headers = {"Authorization": f"Bearer {key}", "apikey": key}
        self._bucket = bucket
        self._seconds = seconds
        self._timeout = timeout
        self.pause = pause

    @cached_property
    def _client(self) -> httpx.Client:
        """Keep connections: opening one for each request costs three times as much."""
        client = LoggedClient(timeout=self._timeout)
        weakref.finalize(self, client.close)
        return client

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name unchanged: it is the content's hash, so an existing file is identical."""
        return name

    def exists(self, name: str) -> bool:
        try:
            self._info(name)
        except FileMissing:
            return False
        return True

    def size(self, name: str) -> int:
        return int(self._info(name)["size"])

    def get_modified_time(self, name: str) -> datetime:
        info = self._info(name)
        return datetime.fromisoformat(info.get("last_modified") or info["created_at"])

    def delete(self, name: str) -> None:
        self.delete_all([name])

    def delete_all(self, names: Sequence[str]) -> None:
        """Delete objects with one request; those that do not exist are skipped."""
        if not names:
            return
        removed = self._json("DELETE", f"object/{self._bucket}", json={"prefixes": list(names)})
        left = set(names) - {entry["name"] for entry in removed}
        # An object that did not exist is missing in the answer, and so is one that the key may not delete.
        for name in sorted(left):
            if self.exists(name):
                raise StorageProblem(f"Supabase Storage did not delete {name}.", permanent=True)

    def verify(self) -> None:
        """Check that the bucket exists, is private, and that the key may use it.

        Without rights the service answers as if every object were missing. Raises StorageProblem.
        """
        if problem := key_problem(self._key):
            raise StorageProblem(f"{problem} {REMEDY}", permanent=True)
        check_bucket(self.bucket(), 0)

    def prepare(self, size: int) -> None:
        """Create the bucket if it is missing; check that it is private and takes files of `size` bytes.

        Raises StorageProblem.
        """
        if problem := key_problem(self._key):
            raise StorageProblem(f"{problem} {REMEDY}", permanent=True)
        try:
            bucket = self.bucket()
        except BucketMissing:
            with suppress(BucketExists):
                self.create_bucket()
            bucket = self.bucket()
        check_bucket(bucket, size)

    def bucket(self) -> dict[str, Any]:
        """Return the bucket's `public`, `file_size_limit` and `allowed_mime_types`.

        Raises BucketMissing and StorageProblem.
        """
        answer: dict[str, Any] = self._json("GET", f"bucket/{quote(self._bucket)}", verifying=True)
        return answer

    def create_bucket(self) -> None:
        """Make the bucket, private and without limits of its own; raises StorageProblem."""
        bucket = {"id": self._bucket, "name": self._bucket, "public": False}
        self._json("POST", "bucket", verifying=True, json=bucket)

    def list_files(self, path: str) -> Iterator[tuple[str, int, datetime]]:
        """Yield name, size and time of change of every object directly in a folder."""
        for entry in self._listed(path):
            if entry["id"] is not None:
                changed = datetime.fromisoformat(entry["updated_at"] or entry["created_at"])
                yield entry["name"], int((entry["metadata"] or {}).get("size", 0)), changed

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        entries = list(self._listed(path))
        directories = [entry["name"] for entry in entries if entry["id"] is None]
        return directories, [entry["name"] for entry in entries if entry["id"] is not None]

    def signed_url(self, name: str, filename: str) -> str:
        """Return a short-lived URL that downloads the file as `filename`."""
        path = f"object/sign/{self._bucket}/{quote(name)}"
        signed = self._json("POST", path, json={"expiresIn": self._seconds})["signedURL"]
        return f"{self._url}{signed}&download={quote(filename, safe='')}"

    def upload(
        self,
        name: str,
        content: IO[bytes],
        *,
        resume_url: str,
        on_create: Callable[[str], None],
        progress: Callable[[int, int], None],
    ) -> None:
        """Upload a file in chunks; see tus_upload.upload."""
        endpoint = Endpoint(
            f"{self._url}/upload/resumable",
            {**self._headers, "x-upsert": "true"},
            timeout=self._timeout,
            pause=self.pause,
        )
        metadata = self._metadata(name)
        upload(endpoint, content, metadata, resume_url=resume_url, on_create=on_create, progress=progress)

    def _metadata(self, name: str) -> dict[str, str]:
        return {
            "bucketName": self._bucket,
            "objectName": name,
            "contentType": MEDIA_TYPE,
            "cacheControl": "3600",
        }

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        spool = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by the returned File
        path = f"{self._url}/object/{self._bucket}/{quote(name)}"
        try:
            with (
                _transport_errors(),
                self._client.stream("GET", path, headers=self._headers) as response,
            ):
                if not response.is_success:
                    response.read()
                    raise self._refusal(response)
                for piece in response.iter_bytes():
                    spool.write(piece)
        except BaseException:
            spool.close()
            raise
        spool.seek(0)
        return File(spool, name)

    def _save(self, name: str, content: IO[Any] | File[Any]) -> str:
        headers = {
            "x-upsert": "true",
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(content.seek(0, os.SEEK_END)),
            "cache-control": "max-age=3600",
        }
        content.seek(0)
        # In pieces, so that progress shows on a slow line.
        pieces = iter(lambda: content.read(_PIECE), b"")
        self._json("POST", f"object/{self._bucket}/{quote(name)}", content=pieces, headers=headers)
        return name

    def _info(self, name: str) -> Any:
        return self._json("GET", f"object/info/{self._bucket}/{quote(name)}")

    def _listed(self, path: str) -> Iterator[Any]:
        query: dict[str, Any] = {
            "prefix": path,
            "limit": _PAGE,
            "offset": 0,
            "sortBy": {"column": "name", "order": "asc"},
        }
        if not path:
            # A missing bucket, or a key without rights, lists as an empty one.
            self.verify()
        while page := self._json("POST", f"object/list/{self._bucket}", json=query):
            yield from page
            query["offset"] += len(page)
            if len(page) < _PAGE:
                return

    def _refusal(self, response: httpx.Response) -> StorageProblem:
        """Return the problem that an answer means; a file is missing only where files can be seen."""
        problem = storage_problem(response)
        if isinstance(problem, FileMissing):
            self.verify()
        return problem

    def _json(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        *,
        verifying: bool = False,
        **body: Any,
    ) -> Any:
        headers = {**self._headers, **(headers or {})}
        with _transport_errors():
            response = self._client.request(method, f"{self._url}/{path}", headers=headers, **body)
        if not response.is_success:
            raise storage_problem(response) if verifying else self._refusal(response)
        return response.json()


@contextmanager
def _transport_errors() -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        raise StorageProblem(f"Supabase Storage does not answer ({type(error).__name__}).") from error
