"""What Supabase Storage tells about objects, and how it sends their bytes."""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import datetime

from .server import Answer, Asked

MEDIA_TYPE = "application/octet-stream"
_KEY = re.compile(r"[\w/!\-.*'() &$@=;:+,?]*", re.ASCII)


def etag_of(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def time_of(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_key(name: str) -> bool:
    """Return whether an object may have this name."""
    return bool(_KEY.fullmatch(name)) and ".." not in name.split("/")


def info(bucket: str, name: str, data: bytes, at: datetime, *, is_resumed: bool) -> dict[str, object]:
    return {
        "id": str(uuid.uuid4()),
        "name": name,
        "version": str(uuid.uuid4()),
        "bucket_id": bucket,
        "size": len(data),
        "content_type": MEDIA_TYPE,
        "cache_control": "max-age=3600",
        "etag": etag_of(data),
        "metadata": None if is_resumed else {},
        "last_modified": time_of(at),
        "created_at": time_of(at),
    }


def entry(name: str, data: bytes | None, at: datetime) -> dict[str, object]:
    """Return the entry of an object in a listing; without data, that of a folder."""
    when = None if data is None else time_of(at)
    times = dict.fromkeys(("updated_at", "created_at", "last_accessed_at"), when)
    metadata = data if data is None else _metadata(data, at)
    return {"name": name, "id": None if data is None else str(uuid.uuid4()), **times, "metadata": metadata}


def removed(bucket: str, name: str, data: bytes, at: datetime) -> dict[str, object]:
    own = {
        "bucket_id": bucket,
        "owner": "",
        "owner_id": "",
        "version": str(uuid.uuid4()),
        "user_metadata": {},
    }
    return {**entry(name, data, at), **own}


def _metadata(data: bytes, at: datetime) -> dict[str, object]:
    return {
        "eTag": etag_of(data),
        "size": len(data),
        "mimetype": MEDIA_TYPE,
        "cacheControl": "no-cache",
        "lastModified": time_of(at),
        "contentLength": len(data),
        "httpStatusCode": 200,
    }


class NoSuchRange(Exception):
    """The range begins after the end of the object."""


def content(asked: Asked, data: bytes, headers: dict[str, str] | None = None) -> Answer:
    """Return an object's bytes, a range of them, or 304."""
    told = {"Accept-Ranges": "bytes", "ETag": etag_of(data), "Content-Type": MEDIA_TYPE, **(headers or {})}
    if asked.headers.get("if-none-match") == told["ETag"]:
        return Answer(304, b"", told)
    status, body = 200, data
    if match := re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("range", "")):
        first, last = int(match[1]), min(int(match[2] or len(data) - 1), len(data) - 1)
        if first >= len(data):
            raise NoSuchRange
        status, body = 206, data[first : last + 1]
        told["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return Answer(status, b"" if asked.method == "HEAD" else body, told)
