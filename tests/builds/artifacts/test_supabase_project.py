"""What a real Storage has to do too: point SUPABASE_TEST_STORAGE_URL and SUPABASE_TEST_SERVICE_KEY at one.

The bucket is made by the test, under a name of its own, and emptied.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.files.storage import storages
from pytest_django.fixtures import Settings

from builds.artifacts import build_files, storage
from builds.artifacts.errors import FileMissing, StorageProblem
from tests.standins.supabase_storage import SupabaseStorageStandIn

from .test_supabase_bucket import FILES

URL, KEY = os.environ.get("SUPABASE_TEST_STORAGE_URL", ""), os.environ.get("SUPABASE_TEST_SERVICE_KEY", "")
pytestmark = pytest.mark.django_db(transaction=True)
BACKEND = "builds.artifacts.supabase.SupabaseStorage"


@pytest.fixture(params=["stand-in", *(["real"] if URL else [])])
def bucket(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[str]:
    """The name of a bucket that does not exist yet, in the stand-in and in a real Storage if one is named."""
    name = f"agentforge-test-{uuid.uuid4().hex[:8]}"
    with SupabaseStorageStandIn() as stand_in:
        where = (
            {"url": URL, "key": KEY}
            if request.param == "real"
            else {"url": stand_in.url, "key": stand_in.key}
        )
        artifacts = {"BACKEND": BACKEND, "OPTIONS": {**where, "bucket": name, "pause": 0.01}}
        settings.STORAGES = {**settings.STORAGES, "artifacts": artifacts}
        settings.VAR_DIR = tmp_path
        yield name
        if request.param == "real":
            headers = {"Authorization": f"Bearer {KEY}", "apikey": KEY}
            for verb, path in (("POST", f"bucket/{name}/empty"), ("DELETE", f"bucket/{name}")):
                httpx.request(verb, f"{URL}/{path}", headers=headers)


def test_a_builds_files_from_the_first_upload_to_the_last_deletion(bucket: str) -> None:
    progress: list[tuple[str, int, int]] = []
    build_files.store(FILES, lambda *report: progress.append(report))
    sizes = {file.name: len(file.data) for file in FILES}
    assert {name: sent for name, sent, _ in progress} == sizes
    listed = {entry.sha256: entry.size for entry in storage.entries()}
    assert listed == {file.sha256: len(file.data) for file in FILES}
    for file in FILES:
        storage.path_of(file.sha256).unlink()
        assert storage.holds(file.sha256)
        assert hashlib.sha256(storage.local_copy(file.sha256).read_bytes()).hexdigest() == file.sha256
    program = FILES[0]
    url = storage.signed_url(program.sha256, "ada.so")
    part = httpx.get(str(url), headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, program.data[5:10])
    assert "filename=ada.so" in part.headers["content-disposition"]
    storage.delete(*(file.sha256 for file in FILES))
    assert list(storage.entries()) == []
    assert not storage.holds(program.sha256)
    with pytest.raises(FileMissing):
        storage.local_copy(program.sha256)
    build_files.store(FILES, lambda *report: None)
    storage.delete(*(file.sha256 for file in FILES))


def test_a_bucket_that_is_too_small_is_named(bucket: str) -> None:
    build_files.store(FILES[1:2], lambda *report: None)
    shared: Any = storages["artifacts"]
    shared._json("PUT", f"bucket/{bucket}", json={"public": False, "file_size_limit": 1024 * 1024})
    with pytest.raises(StorageProblem, match=r"takes files of up to 1,048,576 bytes"):
        build_files.store(FILES, lambda *report: None)
    shared._json("PUT", f"bucket/{bucket}", json={"public": True})
    with pytest.raises(StorageProblem, match="is public"):
        build_files.store(FILES, lambda *report: None)
    storage.delete(FILES[1].sha256)
