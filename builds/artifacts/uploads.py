"""Bring files into a storage that several machines share, and say what went wrong in one way."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage
from django.utils.http import content_disposition_header

from . import leases, local_store
from .errors import FileMissing, StorageProblem

if TYPE_CHECKING:
    BytesFile = File[bytes]
else:
    BytesFile = File

Progress = Callable[[int, int], None]
_TRIES = 3
_PAUSE = 0.5


def send(storage: Storage, sha256: str, progress: Progress) -> None:
    """Bring this machine's copy into the storage, once, and read it back: its hash must be the same.

    An interrupted upload is gone on with, also by another worker. Raises StorageProblem.
    """
    name, path = local_store.name_of(sha256), local_store.path_of(sha256)
    size = path.stat().st_size
    with told(f"{path.name[:12]}… was compiled, but not taken by the artifact storage"):
        if leases.is_checked(sha256) and _patiently(lambda: storage.exists(name)):
            progress(size, size)
            return
        with path.open("rb") as content:
            _upload(storage, name, content, sha256, progress)
        _patiently(lambda: _read_back(storage, name, sha256))
        leases.note_checked(sha256)


def _upload(storage: Any, name: str, content: BinaryIO, sha256: str, progress: Progress) -> None:
    if hasattr(storage, "upload"):
        storage.upload(
            name,
            content,
            begun=leases.begun_upload(sha256),
            on_begin=lambda url: leases.note_upload(sha256, url),
            progress=progress,
        )
        return

    def save() -> None:
        content.seek(0)
        watched = _Watched(content, progress)
        progress(0, watched.size)
        storage.save(name, watched)
        progress(watched.size, watched.size)

    _patiently(save)


class _Watched(BytesFile):
    """Tell how much of a file was read; a storage reads what it sends."""

    def __init__(self, content: BinaryIO, progress: Progress) -> None:
        super().__init__(content)
        self._content = content
        self._progress = progress

    def read(self, *args: Any) -> bytes:
        piece = self._content.read(*args)
        self._progress(self._content.tell(), self.size)
        return piece


def _read_back(storage: Storage, name: str, sha256: str) -> None:
    digest = hashlib.sha256()
    with storage.open(name) as content:
        for piece in content.chunks():
            digest.update(piece)
    if digest.hexdigest() != sha256:
        storage.delete(name)
        raise StorageProblem("it did not read back as it was written, and was removed again", lasting=True)


def signed_url(storage: Any, name: str, filename: str) -> str:
    """Return an address that hands out a file for a short time, under a name.

    Raises StorageProblem.
    """
    with told(f"{filename} can't be handed out now"):
        if hasattr(storage, "signed_url"):
            return str(storage.signed_url(name, filename))
        as_named = {"ResponseContentDisposition": content_disposition_header(True, filename)}
        return str(storage.url(name, parameters=as_named, expire=settings.ARTIFACT_URL_SECONDS))


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn whatever a storage raises into a StorageProblem that begins with `what`."""
    try:
        yield
    except FileMissing:
        raise
    except FileNotFoundError as error:
        raise FileMissing(f"{what}: it is no longer kept.") from error
    except StorageProblem as problem:
        raise StorageProblem(f"{what}: {problem} {_NEXT}", lasting=problem.lasting) from problem
    except Exception as error:
        if not _is_of_a_storage(error):
            raise
        raise StorageProblem(f"{what}: {type(error).__name__}: {error}. {_NEXT}") from error


_NEXT = "This machine's copy is kept. Try again; if it stays so, ask your operator (manage.py doctor)."


def _is_of_a_storage(error: Exception) -> bool:
    # django-storages lets the errors of the client through whose package is optional here.
    return isinstance(error, OSError) or type(error).__module__.startswith(
        ("botocore", "boto3", "s3transfer")
    )


def _patiently(ask: Callable[[], Any]) -> Any:
    """Ask up to three times; a lasting refusal is not asked again."""
    for attempt in range(_TRIES):
        try:
            return ask()
        except StorageProblem as problem:
            if problem.lasting or attempt == _TRIES - 1:
                raise
        time.sleep(_PAUSE * 2**attempt)
    return None
