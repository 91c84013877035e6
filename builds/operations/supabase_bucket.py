"""Check and make the bucket of a Supabase project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.core.files.storage import storages

from agentforge.administration.project import preparation
from agentforge.administration.project.report import Line, register, right, unseen, wrong
from builds.artifacts.errors import BucketExists, BucketMissing, StorageProblem
from builds.artifacts.supabase_key import REMEDY, key_problem

if TYPE_CHECKING:
    # Only where it is used: its libraries take half a second to import.
    from builds.artifacts.supabase import SupabaseStorage

# Programs have up to 30 MB; this leaves room.
LEAST_LIMIT = 50_000_000
_ALLOWED = {"application/octet-stream", "application/*", "*/*"}
_PAGE = "Storage, the bucket, Edit bucket"


@register("storage")
def storage_lines(forge_url: str) -> Iterator[Line]:
    """Report on key and bucket; nothing where artifacts are kept elsewhere."""
    if settings.ARTIFACT_STORAGE != "supabase":
        yield right("storage", f"Not used: ARTIFACT_STORAGE is {settings.ARTIFACT_STORAGE}.")
        return
    if key_is_wrong := key_problem(settings.SUPABASE_SERVICE_KEY):
        yield wrong("secret key", key_is_wrong, REMEDY)
        return
    name = settings.ARTIFACT_BUCKET
    try:
        bucket = _storage().bucket()
    except BucketMissing:
        yield wrong("bucket", f"The bucket {name} is missing.", "manage.py supabase init --yes")
        return
    except StorageProblem as problem:
        remedy = "Check SUPABASE_URL (or SUPABASE_STORAGE_URL) and SUPABASE_SERVICE_KEY."
        yield (wrong if problem.permanent else unseen)("bucket", str(problem), remedy)
        return
    yield right("bucket", f"{name} is there, and SUPABASE_SERVICE_KEY opens it.")
    if bucket["public"]:
        yield wrong("private", f"Everybody can read the files of {name}.", f"{_PAGE}: Public bucket off.")
    else:
        yield right("private", f"{name} is private.")
    limit = bucket.get("file_size_limit")
    if limit is not None and limit < LEAST_LIMIT:
        message = f"Files may have {limit:,} bytes at most; programs can be larger."
        yield wrong("size limit", message, f"{_PAGE}: no limit, or at least 50 MB; the project's counts too.")
    else:
        yield right("size limit", "The project's limit counts." if limit is None else f"{limit:,} bytes.")
    if (types := bucket.get("allowed_mime_types")) and not _ALLOWED & set(types):
        message = f"Only {', '.join(types)}, not application/octet-stream."
        yield wrong("MIME types", message, f"{_PAGE}: remove the allowed MIME types.")
    else:
        yield right("MIME types", "The forge's is allowed.")


def _pending() -> str:
    if settings.ARTIFACT_STORAGE != "supabase":
        return ""
    if key_is_wrong := key_problem(settings.SUPABASE_SERVICE_KEY):
        raise preparation.CannotPrepare(f"{key_is_wrong} {REMEDY}")
    try:
        _storage().bucket()
    except BucketMissing:
        return f"Make the private bucket {settings.ARTIFACT_BUCKET}."
    except StorageProblem as problem:
        raise preparation.CannotPrepare(str(problem)) from None
    return ""


def _create() -> None:
    try:
        _storage().create_bucket()
    except BucketExists:
        return  # a build made it in the meantime
    except StorageProblem as problem:
        raise preparation.CannotPrepare(str(problem)) from None


def _storage() -> SupabaseStorage:
    return cast("SupabaseStorage", storages["artifacts"])


preparation.register(preparation.Step(_pending, _create))
