"""A file that takes several requests to upload, and the names that files have in a storage."""

from __future__ import annotations

import hashlib

from builds.artifacts import local_store

MB = 1024 * 1024
BIG = bytes(range(256)) * (4 * 14 * 1024)


def name_of(data: bytes) -> str:
    return local_store.name_of(hashlib.sha256(data).hexdigest())
