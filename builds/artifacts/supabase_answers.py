"""What Supabase Storage answers: errors, and how a bucket is set up."""

from __future__ import annotations

import json
from typing import Any

import httpx

from agentforge.whole_numbers import whole_number

from .errors import BucketExists, BucketMissing, FileMissing, StorageProblem, retry_after

MEDIA_TYPE = "application/octet-stream"
# Status codes after which the same request may succeed: locked by a dying upload, too busy.
TRANSIENT = frozenset({408, 409, 423, 425, 429})


def check_bucket(bucket: Any, size: int) -> None:
    """Check that a bucket is private and takes files of up to `size` bytes; raises StorageProblem."""
    name, limit, types = bucket["name"], bucket.get("file_size_limit"), bucket.get("allowed_mime_types")
    if bucket["public"]:
        problem = f"The bucket {name} is public: everybody can read its files. Make it private."
    elif limit and size > limit:
        problem = (
            f"The bucket {name} takes files of up to {limit:,} bytes, and there is one of {size:,}. "
            "Raise the bucket's file size limit."
        )
    elif types and not {MEDIA_TYPE, "application/*", "*/*"} & set(types):
        problem = (
            f"The bucket {name} allows certain MIME types only: {', '.join(types)[:100]}. "
            f"Remove its list, or add {MEDIA_TYPE}."
        )
    else:
        return
    raise StorageProblem(problem, permanent=True)


def storage_problem(response: httpx.Response) -> StorageProblem:
    """Return the problem that an error response means."""
    status, error, message = read_error(response.status_code, response.content)
    kind = BucketExists if (status, error) == (409, "Duplicate") else StorageProblem
    if "Bucket not found" in message:
        kind = BucketMissing
        message += ". Check ARTIFACT_BUCKET and SUPABASE_SERVICE_KEY, and that the private bucket exists."
    if status == 404 and error in ("not_found", "NoSuchKey"):
        return FileMissing("Supabase Storage does not hold that file.")
    return kind(
        f"Supabase Storage answered {status}: {message}{remedy(status)}",
        permanent=400 <= status < 500 and status not in TRANSIENT,
        retry_after=retry_after(response.headers),
    )


def read_error(status: int, content: bytes) -> tuple[int, str, str]:
    """Return the true status of an error, its name and its message.

    The service answers 400 with all three in JSON; a gateway in front of it sends anything.
    """
    text = content.decode("utf-8", "replace").strip()
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return status, "", text[:200]
    true_status = whole_number(str(body.get("statusCode"))) or status
    return true_status, str(body.get("error") or ""), str(body.get("message") or text)[:200]


def remedy(status: int) -> str:
    """Return the setting to change after a refusal that lasts, as a sentence; empty for others."""
    return _REMEDIES.get(status, "")


_REMEDIES = {
    413: " Raise the bucket's file size limit and the storage's own (FILE_SIZE_LIMIT when self-hosted).",
    415: " Remove the bucket's list of allowed MIME types.",
}
