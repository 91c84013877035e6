"""Artifacts in Supabase Storage: signed URLs, settings, and error messages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path

import httpx
import jwt
import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.administration.diagnostics import State, run_checks
from agentforge.live import streams
from builds.artifacts import storage
from builds.artifacts.errors import FileMissing, StorageProblem
from builds.models import Artifact, Build
from builds.operations.checks import check_storage
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.builds.artifacts.files import BIG, MB, name_of
from tests.standins.server import Answer
from tests.standins.supabase_storage import SupabaseStorageStandIn, settings_of

EXPIRED = jwt.encode(
    {"role": "service_role", "exp": 1_000_000_000}, "another project's secret of 32 bytes", "HS256"
)


@pytest.mark.django_db
def test_a_file_is_stored_once_and_fetched_where_it_is_missing(service: SupabaseStorageStandIn) -> None:
    progress: list[tuple[int, int]] = []
    sha256 = storage.put(BIG, progress=lambda sent, total: progress.append((sent, total)))
    assert service.objects == {name_of(BIG): BIG}
    assert (progress[0], progress[-1]) == ((0, 14 * MB), (14 * MB, 14 * MB))
    assert progress == sorted(set(progress))
    assert max(later - sooner for (sooner, _), (later, _) in pairwise(progress)) <= 64 * 1024
    assert (storage.holds(sha256), storage.holds("0" * 64)) == (True, False)
    storage.put(BIG)
    assert len(service.uploads) == 1
    storage.path_of(sha256).unlink()
    assert storage.local_copy(sha256).read_bytes() == BIG
    assert [(entry.sha256, entry.size) for entry in storage.entries()] == [(sha256, 14 * MB)]
    storage.delete(sha256)
    assert service.objects == {}
    with pytest.raises(FileMissing):
        storage.local_copy(sha256)


@pytest.mark.django_db
def test_prune_leaves_foreign_objects_alone(service: SupabaseStorageStandIn) -> None:
    foreign = {"reports/q3.pdf", "re/report.bin", f"ab/{'x' * 70}", f"ab/{'cd' * 32}", "notes.txt"}
    service.objects.update(dict.fromkeys([*foreign, name_of(b"orphan")], b"data"))
    service.age = timedelta(hours=3)
    out = StringIO()
    call_command("prune", "--yes", stdout=out)
    assert set(service.objects) == foreign
    assert set(storage.foreign_names()) == {
        "reports/",
        "re/",
        f"ab/{'x' * 70}",
        f"ab/{'cd' * 32}",
        "notes.txt",
    }


@pytest.mark.django_db
def test_orphans_are_pruned_by_their_listing_in_batches(service: SupabaseStorageStandIn) -> None:
    service.objects.update({name_of(str(number).encode()): b"data" for number in range(200)})
    folders = len({name[:2] for name in service.objects})
    service.age = timedelta(hours=3)
    call_command("prune", "--yes", stdout=StringIO())
    assert service.objects == {}
    assert len(service.asked) <= folders + 3


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["anon key", "bucket"])
def test_what_the_key_cannot_see_is_not_missing(
    service: SupabaseStorageStandIn, settings: Settings, fault: str
) -> None:
    sha256 = storage.put(b"small")
    storage.path_of(sha256).unlink()
    options = {"key": service.anon_key} if fault == "anon key" else {"bucket": "other"}
    settings.STORAGES = {**settings.STORAGES, "artifacts": settings_of(service, **options)}
    calls: list[Callable[[], object]] = [
        lambda: storage.holds(sha256),
        lambda: storage.local_copy(sha256),
        lambda: storage.signed_url(sha256, "ada.so"),
        lambda: storage.delete(sha256),
        lambda: list(storage.entries()),
    ]
    for call in calls:
        with pytest.raises(StorageProblem, match="SUPABASE_SERVICE_KEY") as failure:
            call()
        assert not isinstance(failure.value, FileMissing)
    assert service.objects == {name_of(b"small"): b"small"}


@pytest.mark.django_db
def test_a_public_bucket_is_refused_by_doctor(service: SupabaseStorageStandIn) -> None:
    service.public.add("artifacts")
    finding = next(result.finding for result in run_checks() if result.name == "storage")
    assert finding.state == State.FAILED
    assert "is public" in finding.message


@pytest.mark.parametrize(
    ("changed", "identifier"),
    [
        ({"ARTIFACT_URL_SECONDS": 0}, "builds.E001"),
        ({"SUPABASE_URL": "", "SUPABASE_STORAGE_URL": ""}, "builds.E002"),
        ({"SUPABASE_SERVICE_KEY": ""}, "builds.E003"),
        ({"SUPABASE_SERVICE_KEY": "sb_publishable_x"}, "builds.E003"),
        ({"SUPABASE_SERVICE_KEY": SupabaseStorageStandIn.anon_key}, "builds.E003"),
        ({"SUPABASE_SERVICE_KEY": EXPIRED}, "has expired"),
        ({"ARTIFACT_BUCKET": ""}, "builds.E004"),
        ({"ARTIFACT_BUCKET": "some/where"}, "builds.E004"),
        ({"ARTIFACT_BUCKET": ".."}, "builds.E004"),
    ],
)
def test_wrong_settings_are_refused(settings: Settings, changed: dict[str, object], identifier: str) -> None:
    settings.ARTIFACT_STORAGE = "supabase"
    settings.SUPABASE_URL, settings.SUPABASE_SERVICE_KEY = "https://x.supabase.co", "sb_secret_x"
    assert not [message for message in check_storage() if message.id]
    for name, value in changed.items():
        setattr(settings, name, value)
    with pytest.raises(SystemCheckError, match=identifier):
        call_command("check")


@pytest.mark.django_db
def test_downloads_are_as_patient_as_uploads(service: SupabaseStorageStandIn) -> None:
    sha256 = storage.put(b"small")
    storage.path_of(sha256).unlink()
    service.busy = 3
    assert storage.signed_url(sha256, "ada.so")
    service.busy = 3
    assert storage.local_copy(sha256).read_bytes() == b"small"
    storage.path_of(sha256).unlink()
    service.busy = 1000
    with pytest.raises(StorageProblem, match="503") as failure:
        storage.local_copy(sha256)
    assert "copy is kept" not in str(failure.value)


@pytest.mark.django_db
def test_what_does_not_read_back_is_not_kept(service: SupabaseStorageStandIn) -> None:
    service.spoil = True
    with pytest.raises(StorageProblem, match="did not read back"):
        storage.put(BIG)
    assert service.objects == {}


@pytest.mark.django_db
def test_problems_say_what_was_kept_and_what_to_do(service: SupabaseStorageStandIn) -> None:
    sha256 = hashlib.sha256(b"small").hexdigest()
    service.buckets.clear()
    with pytest.raises(StorageProblem, match=r"Bucket not found.*copy is kept.*doctor") as failure:
        storage.put(b"small")
    assert failure.value.permanent
    assert storage.path_of(sha256).exists()
    with pytest.raises(StorageProblem, match=r"it answered 404 .Bucket not found.; 0 of 14,680,064 bytes"):
        storage.put(BIG)
    before = len(service.asked)
    service.busy = 1000
    with pytest.raises(StorageProblem, match="answered 503") as busy:
        storage.put(b"small")
    assert not busy.value.permanent
    assert len(service.asked) > before + 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'"bad gateway"', "bad gateway"),
        (b"null", "null"),
        (b'{"statusCode": "BadGateway", "message": "no upstream"}', "no upstream"),
    ],
    ids=["text", "null", "code in words"],
)
def test_what_a_gateway_answers_in_its_place_is_reported(
    service: SupabaseStorageStandIn, body: bytes, words: str
) -> None:
    service.in_its_place = Answer(502, body)
    for data in (b"small", BIG):
        with pytest.raises(StorageProblem, match=f"answered 502.*{words}") as problem:
            storage.put(data)
        assert not problem.value.permanent


@pytest.mark.django_db
def test_a_service_that_is_away_is_named(settings: Settings, tmp_path: Path) -> None:
    with SupabaseStorageStandIn() as stand_in:
        there = settings_of(stand_in)
    settings.STORAGES, settings.VAR_DIR = {**settings.STORAGES, "artifacts": there}, tmp_path
    with pytest.raises(StorageProblem, match="does not answer"):
        storage.put(b"small")
    with pytest.raises(StorageProblem, match="upload to the artifact storage stopped: it does not answer"):
        storage.put(BIG)


@pytest.mark.django_db
def test_a_wrong_key_is_refused_at_once(service: SupabaseStorageStandIn, settings: Settings) -> None:
    settings.STORAGES = {**settings.STORAGES, "artifacts": settings_of(service, key="sb_secret_other")}
    with pytest.raises(StorageProblem, match="403") as failure:
        storage.put(b"small")
    assert failure.value.permanent


@pytest.mark.django_db(transaction=True)
def test_a_build_uploads_its_files_and_hands_them_out_by_signed_addresses(
    service: SupabaseStorageStandIn,
    agent: AgentConfig,
    alice: User,
    browser: Client,
    work: Callable[[], None],
) -> None:
    service.cut_at = 7 * MB
    build = enqueue_build(agent, by=alice)
    work()
    build.refresh_from_db()
    assert build.status == "succeeded", build.error
    files = {file.path: file for file in Artifact.objects.filter(build=build)}
    assert {name.rpartition("/")[2] for name in service.objects} == {file.sha256 for file in files.values()}
    _check_progress(build, files["ada.so"])
    answer = browser.get(reverse("builds:file", args=[build.pk, "ada.so"]))
    assert answer.status_code == 302
    got = httpx.get(answer["Location"])
    assert hashlib.sha256(got.content).hexdigest() == files["ada.so"].sha256
    assert "filename=ada.so" in got.headers["content-disposition"]
    for file in files.values():
        storage.path_of(file.sha256).unlink()
    assert browser.get(reverse("builds:download", args=[build.pk])).status_code == 200
    assert all(storage.path_of(file.sha256).exists() for file in files.values())
    again = enqueue_build(agent, by=alice)
    work()
    again.refresh_from_db()
    assert again.from_cache


def _check_progress(build: Build, plugin: Artifact) -> None:
    """Check that the reported bytes of the upload grow from 0 to the file's size."""
    records = [record for _, record in streams.read(build.stream_name)]
    uploads = [record for record in records if record["kind"] == "upload" and record["name"] == "ada.so"]
    sent = [record["sent"] for record in uploads]
    assert sent == sorted(sent)
    assert (sent[0], sent[-1]) == (0, plugin.size)
    assert {record["total"] for record in uploads} == {plugin.size}
    assert len(sent) > 2
