"""Artifacts in a private bucket of Supabase Storage.

Paths and bodies: https://supabase.com/docs/reference/self-hosting-storage/introduction. An error's status is
mostly 400; the true one is its body's `statusCode`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any
from urllib.parse import quote

import httpx
from django.core.files import File
from django.core.files.storage import Storage

from .errors import FileMissing, StorageProblem
from .tus_upload import CHUNK, Place, upload

# A listing's page; the service gives 100 unless asked.
_PAGE = 1000
_IN_MEMORY = 1024 * 1024


class SupabaseStorage(Storage):
    """Speak to Supabase Storage with a secret key (`service_role`), which no browser ever sees."""

    def __init__(
        self, *, url: str, key: str, bucket: str, seconds: int = 60, timeout: float = 30.0, pause: float = 0.5
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "apikey": key}
        self._bucket = bucket
        self._seconds = seconds
        self._timeout = timeout
        self._pause = pause

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Keep the name: it is the hash of the content, so what is there already is the same."""
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
        self._json("DELETE", f"object/{self._bucket}", json={"prefixes": [name]})

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        entries = list(self._listed(path))
        directories = [entry["name"] for entry in entries if entry["id"] is None]
        return directories, [entry["name"] for entry in entries if entry["id"] is not None]

    def signed_url(self, name: str, filename: str) -> str:
        """Return an address that hands out the file under a name, for some seconds."""
        path = f"object/sign/{self._bucket}/{quote(name)}"
        signed = self._json("POST", path, json={"expiresIn": self._seconds})["signedURL"]
        return f"{self._url}{signed}&download={quote(filename, safe='')}"

    def upload(
        self,
        name: str,
        content: IO[bytes],
        *,
        begun: str,
        on_begin: Callable[[str], None],
        progress: Callable[[int, int], None],
    ) -> None:
        """Upload a file in resumable pieces."""
        place = Place(
            f"{self._url}/upload/resumable",
            {**self._headers, "x-upsert": "true"},
            timeout=self._timeout,
            pause=self._pause,
        )
        upload(place, content, self._metadata(name), begun=begun, on_begin=on_begin, progress=progress)

    def _metadata(self, name: str) -> dict[str, str]:
        return {
            "bucketName": self._bucket,
            "objectName": name,
            "contentType": "application/octet-stream",
            "cacheControl": "3600",
        }

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        kept = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the File that is returned closes it
        path = f"{self._url}/object/{self._bucket}/{quote(name)}"
        try:
            with (
                _answers(),
                httpx.stream("GET", path, headers=self._headers, timeout=self._timeout) as answer,
            ):
                if answer.is_error:
                    answer.read()
                    raise _problem(answer)
                for piece in answer.iter_bytes():
                    kept.write(piece)
        except BaseException:
            kept.close()
            raise
        kept.seek(0)
        return File(kept, name)

    def _save(self, name: str, content: IO[Any] | File[Any]) -> str:
        data = content.read(CHUNK + 1)
        headers = {
            "x-upsert": "true",
            "Content-Type": "application/octet-stream",
            "cache-control": "max-age=3600",
        }
        if len(data) <= CHUNK:
            self._json("POST", f"object/{self._bucket}/{quote(name)}", content=data, headers=headers)
        else:
            content.seek(0)
            self.upload(name, content, begun="", on_begin=lambda url: None, progress=lambda sent, total: None)
        return name

    def _info(self, name: str) -> Any:
        return self._json("GET", f"object/info/{self._bucket}/{quote(name)}")

    def _listed(self, path: str) -> Iterator[Any]:
        asked: dict[str, Any] = {
            "prefix": path,
            "limit": _PAGE,
            "offset": 0,
            "sortBy": {"column": "name", "order": "asc"},
        }
        while found := self._json("POST", f"object/list/{self._bucket}", json=asked):
            yield from found
            asked["offset"] += len(found)
            if len(found) < _PAGE:
                return

    def _json(self, method: str, path: str, headers: dict[str, str] | None = None, **body: Any) -> Any:
        every = {**self._headers, **(headers or {})}
        with _answers():
            answer = httpx.request(
                method, f"{self._url}/{path}", headers=every, timeout=self._timeout, **body
            )
        if answer.is_error:
            raise _problem(answer)
        return answer.json()


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        raise StorageProblem(f"Supabase Storage does not answer ({type(error).__name__}).") from error


def _problem(answer: httpx.Response) -> StorageProblem:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    status = str(body.get("statusCode") or answer.status_code)
    said = str(body.get("message") or answer.text)[:200]
    if status == "404" and body.get("error") in ("not_found", "NoSuchKey"):
        return FileMissing("Supabase Storage does not hold that file.")
    lasting = status.startswith("4") and status not in ("408", "409", "423", "429")
    return StorageProblem(f"Supabase Storage answered {status}: {said}", lasting=lasting)
