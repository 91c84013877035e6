"""Upload files to a shared storage; its clients' errors become StorageProblem."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage
from django.utils.http import content_disposition_header
from tenacity import Retrying

from agentforge.retry import retrying

from . import leases, local_store
from .errors import FileMissing, StorageProblem

if TYPE_CHECKING:
    BytesFile = File[bytes]
else:
    BytesFile = File

R = TypeVar("R")
Progress = Callable[[int, int], None]


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, StorageProblem) and not error.permanent


def _asked_pause(error: BaseException) -> float:
    return error.retry_after if isinstance(error, StorageProblem) else 0.0


_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
# Half a minute of pauses for an upload, and whatever the storage asks for.
_TRIES = 8
# Somebody waits for a download: a quarter as long, and no longer pause that the storage asks for.
_DOWNLOAD_TRIES, _LONGEST_WAIT = 5, 10.0


def retry(storage: Storage, call: Callable[..., R], *args: Any) -> R:
    """Call until the storage answers."""
    return _policy(storage, _is_transient, _TRIES)(call, *args)


def retry_download(storage: Storage, call: Callable[..., R], *args: Any) -> R:
    """Call until the storage answers, but not longer than a person waits."""

    def is_short(error: BaseException) -> bool:
        return _is_transient(error) and _asked_pause(error) <= _LONGEST_WAIT

    return _policy(storage, is_short, _DOWNLOAD_TRIES)(call, *args)


def _policy(storage: Storage, retry_on: Callable[[BaseException], bool], attempts: int) -> Retrying:
    first = getattr(storage, "pause", _PAUSE)
    return retrying(retry_on, first=first, longest=_LONGEST_PAUSE, attempts=attempts, asked=_asked_pause)


def send(storage: Storage, sha256: str, progress: Progress) -> None:
    """Upload the local copy unless the storage has it; read back what was sent in pieces.

    Any worker can resume an interrupted upload. Raises StorageProblem.
    """
    name, path = local_store.name_of(sha256), local_store.path_of(sha256)
    size = path.stat().st_size
    subject = f"The artifact storage did not accept {path.name[:12]}…"
    with storage_errors(subject, kept="This machine's copy is kept. "):
        if leases.is_checked(sha256) and retry(storage, storage.exists, name):
            progress(size, size)
            return
        with path.open("rb") as content:
            is_whole = _upload(storage, name, content, sha256, progress)
        if not is_whole:
            # Put together from pieces, perhaps by several workers. A single request arrives whole or not.
            retry(storage, _read_back, storage, name, sha256)
        leases.mark_checked(sha256)


def _upload(storage: Any, name: str, content: BinaryIO, sha256: str, progress: Progress) -> bool:
    """Upload a file; return whether the storage is known to have received all of it in a single request."""

    def save() -> None:
        content.seek(0)
        file = _ProgressFile(content, progress)
        progress(0, file.size)
        storage.save(name, file)
        progress(file.size, file.size)

    size = os.fstat(content.fileno()).st_size
    if not hasattr(storage, "upload"):
        retry(storage, save)
        return False
    if size <= storage.single_request:
        retry(storage, save)
        return True
    begun = leases.upload_url(sha256)
    if size <= storage.first_request and not begun:
        # A cut connection or a proxy's limit costs these bytes once; the pieces get through.
        with suppress(StorageProblem):
            save()
            return True
    storage.upload(
        name,
        content,
        resume_url=begun,
        on_create=lambda url: leases.save_upload_url(sha256, url),
        progress=progress,
    )
    return False


class _ProgressFile(BytesFile):
    """Report how much was read: a storage reads what it sends."""

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
        raise StorageProblem("it did not read back as written and was removed again", permanent=True)


def signed_url(storage: Any, name: str, filename: str) -> str:
    """Return a short-lived URL that downloads a file as `filename`.

    Raises StorageProblem.
    """
    with storage_errors(f"{filename} can't be downloaded now"):
        if hasattr(storage, "signed_url"):
            return str(retry_download(storage, storage.signed_url, name, filename))
        parameters = {"ResponseContentDisposition": content_disposition_header(True, filename)}
        return str(storage.url(name, parameters=parameters, expire=settings.ARTIFACT_URL_SECONDS))


_NEXT_STEP = "Try again; if that fails, ask your operator (manage.py doctor)."


@contextmanager
def storage_errors(subject: str, kept: str = "") -> Iterator[None]:
    """Turn a storage's errors into StorageProblem, with a message that begins with `subject`."""
    try:
        yield
    except FileMissing:
        raise
    except FileNotFoundError as error:
        raise FileMissing(f"{subject}: it is no longer stored.") from error
    except StorageProblem as problem:
        raise StorageProblem(
            f"{subject}: {str(problem).rstrip('.')}. {kept}{_NEXT_STEP}", permanent=problem.permanent
        ) from problem
    except Exception as error:
        if not _is_storage_error(error):
            raise
        raise StorageProblem(f"{subject}: {type(error).__name__}: {error}. {kept}{_NEXT_STEP}") from error


def _is_storage_error(error: Exception) -> bool:
    # django-storages passes on the errors of boto3, which is optional and can't be imported here.
    return isinstance(error, OSError) or type(error).__module__.startswith(
        ("botocore", "boto3", "s3transfer")
    )
