"""What Supabase Storage answers: errors, and how a bucket is set up."""

from __future__ import annotations

from typing import Any

import httpx

from .errors import BucketExists, BucketMissing, FileMissing, StorageProblem, retry_after
from .tus_upload import remedy

MEDIA_TYPE = "application/octet-stream"


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
    try:
        body = response.json()
    except ValueError:
        body = {}
    status = str(body.get("statusCode") or response.status_code)
    message = str(body.get("message") or response.text)[:200]
    kind = BucketExists if status == "409" and body.get("error") == "Duplicate" else StorageProblem
    if "Bucket not found" in message:
        kind = BucketMissing
        message += ". Check ARTIFACT_BUCKET and SUPABASE_SERVICE_KEY, and that the private bucket exists."
    if status == "404" and body.get("error") in ("not_found", "NoSuchKey"):
        return FileMissing("Supabase Storage does not hold that file.")
    permanent = status.startswith("4") and status not in ("408", "409", "423", "429")
    return kind(
        f"Supabase Storage answered {status}: {message}{remedy(int(status))}",
        permanent=permanent,
        retry_after=retry_after(response.headers),
    )
