"""Artifacts in S3 through django-storages, against a real server of its protocol, moto."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest
from django.core.files.storage import storages
from moto.server import ThreadedMotoServer
from pytest_django.fixtures import Settings

from agentforge.artifact_storage import backend
from builds.artifacts import storage
from builds.artifacts.errors import FileMissing, StorageProblem
from tests.drivers.ports import free_port

BIG = bytes(range(256)) * (4 * 10 * 1024)


@pytest.fixture
def endpoint(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket, and the setting that leads to it."""
    _sign(monkeypatch)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    httpx.post(f"{url}/moto-api/reset").raise_for_status()
    boto3.client("s3", endpoint_url=url).create_bucket(Bucket="artifacts")
    _use(settings, tmp_path, url)
    yield url
    # moto keeps its objects in open files until the process ends.
    httpx.post(f"{url}/moto-api/reset").raise_for_status()
    server.stop()


def _sign(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "moto-takes-any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def _use(settings: Settings, directory: Path, url: str) -> None:
    there = backend("s3", bucket="artifacts", seconds=60, supabase_url="", supabase_key="", s3_endpoint=url)
    settings.STORAGES = {**settings.STORAGES, "artifacts": there}
    settings.VAR_DIR = directory


@pytest.mark.django_db
def test_files_go_to_the_bucket_and_come_back(endpoint: str) -> None:
    progress: list[tuple[int, int]] = []
    sha256 = storage.put(BIG, progress=lambda sent, total: progress.append((sent, total)))
    assert (progress[0], progress[-1]) == ((0, len(BIG)), (len(BIG), len(BIG)))
    assert (storage.holds(sha256), storage.holds("0" * 64)) == (True, False)
    storage.put(BIG)
    storage.path_of(sha256).unlink()
    assert storage.local_copy(sha256).read_bytes() == BIG
    assert [(entry.sha256, entry.size) for entry in storage.entries()] == [(sha256, len(BIG))]
    storage.delete(sha256)
    with pytest.raises(FileMissing):
        storage.local_copy(sha256)


@pytest.mark.django_db
def test_downloads_get_an_address_that_is_signed_for_a_short_time(endpoint: str) -> None:
    url = storage.signed_url(storage.put(b"sums"), "SHA256SUMS")
    assert url is not None
    assert "X-Amz-Expires=60" in url
    got = httpx.get(url)
    assert got.content == b"sums"
    assert got.headers["content-disposition"] == 'attachment; filename="SHA256SUMS"'


@pytest.mark.django_db
def test_each_call_is_a_line_without_bucket_and_name(
    endpoint: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ARTIFACT_S3_ENDPOINT = endpoint
    caplog.set_level("INFO", "agentforge.outbound")
    sha256 = storage.put(BIG)
    assert not storage.holds("0" * 64)
    lines = [record for record in caplog.records if record.name == "agentforge.outbound"]
    messages = [line.getMessage() for line in lines]
    assert messages[-1] == "HEAD 127.0.0.1: 404"
    assert "PUT 127.0.0.1: 200" in messages
    assert all(vars(line)["ms"] >= 0 for line in lines)
    assert not any(word in str(vars(line)) for line in lines for word in (sha256, "artifacts/", "moto-takes"))


@pytest.mark.django_db
def test_a_service_that_is_away_is_the_outcome(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _sign(monkeypatch)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    away = f"http://127.0.0.1:{free_port()}"
    _use(settings, tmp_path, away)
    caplog.set_level("INFO", "agentforge.outbound")
    with pytest.raises(StorageProblem):
        storage.put(b"sums")
    messages = {record.getMessage() for record in caplog.records if record.name == "agentforge.outbound"}
    assert messages == {"PUT 127.0.0.1: EndpointConnectionError"}


@pytest.mark.django_db
def test_a_missing_bucket_is_reported(endpoint: str) -> None:
    boto3.client("s3", endpoint_url=endpoint).delete_bucket(Bucket="artifacts")
    with pytest.raises(StorageProblem, match=r"NoSuchBucket.*copy is kept"):
        storage.put(b"sums")


def test_the_backend_is_the_one_that_the_setting_names(settings: Settings) -> None:
    assert type(storages["artifacts"]).__name__ == "LocalArtifactStorage"
