"""The Django storage for artifacts, chosen by the settings."""

from __future__ import annotations

from typing import Any


def backend(
    kind: str, *, bucket: str, seconds: int, supabase_url: str, supabase_key: str, s3_endpoint: str
) -> dict[str, Any]:
    """Return the STORAGES entry for a kind: files, supabase or s3; a system check reports unknown kinds."""
    match kind:
        case "supabase":
            options = {"url": supabase_url, "key": supabase_key, "bucket": bucket, "seconds": seconds}
            return {"BACKEND": "builds.artifacts.supabase.SupabaseStorage", "OPTIONS": options}
        case "s3":
            options = _s3(bucket, seconds, s3_endpoint)
            return {"BACKEND": "builds.artifacts.s3.LoggedS3Storage", "OPTIONS": options}
    return {"BACKEND": "builds.artifacts.local_backend.LocalArtifactStorage"}


def _s3(bucket: str, seconds: int, endpoint: str) -> dict[str, Any]:
    return {
        "bucket_name": bucket,
        "endpoint_url": endpoint or None,
        # A name is the hash of its content: an existing file has the same content.
        "file_overwrite": True,
        "default_acl": None,
        "querystring_auth": True,
        "querystring_expire": seconds,
        "signature_version": "s3v4",
    }
