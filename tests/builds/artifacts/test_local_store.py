from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from builds.artifacts import local_store, storage

DATA = b"the bytes of a program"


@pytest.fixture
def stored(settings: Settings, tmp_path: Path) -> Path:
    settings.AGENTFORGE_ARTIFACTS_DIR = tmp_path
    return storage.path_of(storage.put(DATA))


def test_damage_is_seen_though_the_bytes_were_checked_before(stored: Path) -> None:
    sha256 = hashlib.sha256(DATA).hexdigest()
    before = stored.stat()
    assert storage.still_holds(sha256)
    assert local_store.hash_of(stored) == sha256
    # Two writes can fall into one tick of the file system's clock.
    while stored.stat().st_ctime_ns == before.st_ctime_ns:
        stored.write_bytes(DATA.upper())
        os.utime(stored, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert stored.stat().st_size == before.st_size
    assert not storage.still_holds(sha256)
    assert local_store.hash_of(stored) == hashlib.sha256(DATA.upper()).hexdigest()
    # Bytes that are stored again replace damaged ones.
    assert storage.put(DATA) == sha256
    assert storage.still_holds(sha256) and stored.read_bytes() == DATA
    stored.unlink()
    assert not storage.still_holds(sha256)
