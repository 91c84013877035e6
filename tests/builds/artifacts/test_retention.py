"""Retention of files: expiry, pins, and a prune that spares what is in use."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from agentforge.live import streams
from agentforge.live.models import Stream
from builds.artifacts import build_files, leases, retention, storage
from builds.models import Artifact, Build, BuildStatus, StoredFile
from builds.operations import pruning
from builds.operations.pruning import Moment
from builds.package.assembly import File
from configs.models import AgentConfig
from configs.revisions import create_revision
from tests.drivers.database import is_waited_for

LATER = timedelta(days=30)
EXPIRED, ORPHANS = "files of expired builds", "files that no build has"


@pytest.fixture(autouse=True)
def empty_storage(settings: Settings, tmp_path: Path) -> Path:
    """An empty directory for artifacts."""
    settings.VAR_DIR = tmp_path
    return tmp_path


@pytest.fixture
def make(agent: AgentConfig, alice: User) -> Callable[..., Build]:
    """Return a function that makes a finished build with some files, like a worker."""
    revision = create_revision(agent)

    def make_build(*contents: bytes) -> Build:
        files = [File(f"file-{number}", data) for number, data in enumerate(contents)]
        build_files.store(files, lambda name, sent, total: None)
        now = timezone.now()
        build: Build = Build.objects.create(
            owner=alice, revision=revision, status=BuildStatus.SUCCEEDED,
            finished_at=now, expires_at=retention.expiry(now),
        )  # fmt: skip
        streams.create_stream(build.stream_name, alice.pk)
        for file in files:
            Artifact.objects.create(
                owner=alice, build=build, name=file.name, sha256=file.sha256, size=len(file.data)
            )
        return build

    return make_build


def _later() -> Moment:
    return Moment(timezone.now() + LATER)


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.django_db
def test_files_go_with_their_rows_when_the_last_build_that_shares_them_expires(
    make: Callable[..., Build],
) -> None:
    one, two = make(b"shared", b"of one"), make(b"shared")
    retention.pin(two, by=two.owner)
    dry = pruning.prune(apply=False, moment=_later())[EXPIRED]
    assert (dry.rows, dry.files, dry.bytes) == (2, 1, 6)
    assert pruning.prune(apply=True, moment=_later())[EXPIRED] == dry
    one.refresh_from_db()
    assert one.expired_at is not None
    assert one.expired_files["file-1"] == {"sha256": _sha(b"of one"), "size": 6}
    assert not storage.holds(_sha(b"of one"))
    assert storage.holds(_sha(b"shared"))
    retention.unpin(two, by=two.owner)
    assert pruning.prune(apply=True, moment=_later())[EXPIRED].files == 1
    assert not list(storage.entries())
    assert not StoredFile.objects.exists()


@pytest.mark.django_db
def test_what_another_room_uses_is_kept(make: Callable[..., Build], monkeypatch: pytest.MonkeyPatch) -> None:
    deployed, other = make(b"deployed"), make(b"other")
    monkeypatch.setattr(retention, "_usage_checks", [])
    retention.register_usage_check(lambda pks: [pk for pk in pks if pk == deployed.pk])
    assert pruning.prune(apply=False, moment=_later())[EXPIRED].files == 1
    assert pruning.prune(apply=True, moment=_later())[EXPIRED].files == 1
    assert storage.holds(_sha(b"deployed"))
    assert not other.artifacts.exists()


@pytest.mark.django_db
def test_what_was_taken_a_moment_ago_is_kept(make: Callable[..., Build]) -> None:
    build = make(b"downloaded now")
    Build.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert pruning.prune(apply=True)[EXPIRED].files == 0
    assert storage.holds(_sha(b"downloaded now"))
    build.refresh_from_db()
    assert build.expired_at is not None
    assert pruning.prune(apply=True, moment=_later())[ORPHANS].files == 1
    assert not storage.holds(_sha(b"downloaded now"))


@pytest.mark.django_db
def test_orphans_go_and_young_ones_stay(make: Callable[..., Build]) -> None:
    build = make(b"kept")
    retention.pin(build, by=build.owner)
    storage.put(b"nobody's, and unknown")
    leases.acquire([_sha(b"never written")])
    assert pruning.prune(apply=True)[ORPHANS].files == 0
    dry = pruning.prune(apply=False, moment=_later())[ORPHANS]
    assert (dry.rows, dry.files) == (1, 1)
    pruning.prune(apply=True, moment=_later())
    assert [entry.sha256 for entry in storage.entries()] == [_sha(b"kept")]
    assert list(StoredFile.objects.values_list("pk", flat=True)) == [_sha(b"kept")]


@pytest.mark.django_db
def test_old_logs_chats_and_dead_streams_go(make: Callable[..., Build], settings: Settings) -> None:
    old, gone = make(b"one"), make(b"two")
    streams.close_stream(old.stream_name)
    lost = gone.stream_name
    Build.objects.filter(pk=gone.pk).delete()
    settings.LOG_DAYS = 20
    totals = pruning.prune(apply=True, moment=_later())
    assert (totals["logs"].rows, totals["logs that no build has"].rows) == (1, 1)
    for name in (old.stream_name, lost):
        with pytest.raises(LookupError):
            streams.position(name)


@pytest.mark.django_db
def test_what_is_lost_is_found_among_many(make: Callable[..., Build], alice: User) -> None:
    """With more rows than PostgreSQL holds in memory at once, nothing is compared row by row."""
    revision, past = make(b"one").revision, timezone.now() - timedelta(days=2)
    numbers = range(1_000_000, 1_020_000)
    Build.objects.bulk_create(Build(pk=n, owner=alice, revision=revision) for n in numbers[1:])
    Stream.objects.bulk_create(Stream(name=f"build-{n}", owner=alice, created_at=past) for n in numbers)
    Artifact.objects.bulk_create(
        Artifact(owner=alice, build_id=n, name="a.so", sha256=f"file-{n}", size=1) for n in numbers[1:]
    )
    StoredFile.objects.bulk_create(StoredFile(pk=f"file-{n}", used_at=past) for n in numbers)
    with connection.cursor() as cursor:
        # As autovacuum would soon: without it, the planner takes the tables for empty.
        cursor.execute(
            f"ANALYZE {', '.join(model._meta.db_table for model in (Build, Stream, Artifact, StoredFile))}"
        )
        cursor.execute("SET LOCAL work_mem = '64kB'; SET LOCAL statement_timeout = '20s'")
    totals = pruning.prune(apply=True)
    assert totals["logs that no build has"].rows == 1
    assert totals[ORPHANS].rows == 1


@pytest.mark.django_db
def test_the_command_shows_before_it_removes(make: Callable[..., Build]) -> None:
    build = make(b"old")
    Build.objects.update(expires_at=timezone.now() - timedelta(days=1))
    StoredFile.objects.update(used_at=timezone.now() - timedelta(days=1))
    shown = _prune()
    assert shown.splitlines()[0] == "files of expired builds: 1 rows, 1 files, 3\xa0bytes"
    assert "nothing was removed" in shown
    assert storage.holds(_sha(b"old"))
    result = json.loads(_prune("--yes", "--json"))
    assert result["kinds"][EXPIRED] == {"rows": 1, "files": 1, "bytes": 3}
    assert (result["applied"], result["success"]) == (True, True)
    assert not storage.holds(_sha(b"old"))
    assert AuditEvent.objects.get(action="pruned").detail["bytes"] == 3
    assert not build.artifacts.exists()


def _prune(*arguments: str) -> str:
    out = StringIO()
    call_command("prune", *arguments, stdout=out)
    return out.getvalue()


class Reuser(threading.Thread):
    """Leases bytes and then checks for them, like a build that finds them in the cache."""

    def __init__(self, sha256: str) -> None:
        super().__init__()
        self.sha256 = sha256
        self.exists = False

    def run(self) -> None:
        try:
            leases.acquire([self.sha256])
            self.exists = storage.holds(self.sha256)
        finally:
            connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_prune_and_a_build_that_reuses_the_file_never_both_win(
    make: Callable[..., Build], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the removal of the row and of the file, the build waits, and then sees that it is gone."""
    build = make(b"wanted by two")
    sha256 = _sha(b"wanted by two")
    reuser = Reuser(sha256)
    remove = storage.delete

    def slowly(sha256: str) -> None:
        reuser.start()
        deadline = time.monotonic() + 60
        while not is_waited_for():
            assert time.monotonic() < deadline
        remove(sha256)

    monkeypatch.setattr(storage, "delete", slowly)
    removed = retention.expire(build.pk, timezone.now() + LATER, unused_since=timezone.now() + LATER)
    reuser.join(60)
    assert removed is not None
    assert removed.files == 1
    assert not reuser.exists
    assert StoredFile.objects.filter(pk=sha256).exists()


@pytest.mark.django_db(transaction=True)
def test_a_build_that_came_first_keeps_the_file(make: Callable[..., Build]) -> None:
    build = make(b"wanted by two")
    before = timezone.now()
    reuser = Reuser(_sha(b"wanted by two"))
    reuser.start()
    reuser.join(60)
    removed = retention.expire(build.pk, timezone.now() + LATER, unused_since=before)
    assert removed is not None
    assert (removed.rows, removed.files, reuser.exists) == (1, 0, True)
    assert storage.holds(_sha(b"wanted by two"))


@pytest.mark.django_db
def test_pins_are_set_by_page_and_script_and_are_in_the_log(
    make: Callable[..., Build], browser: Client, alice: User
) -> None:
    build = make(b"file")
    assert "unless they are pinned" in browser.get(build.get_absolute_url()).content.decode()
    assert browser.post(reverse("builds:pin", args=[build.pk])).status_code == 302
    page = browser.get(build.get_absolute_url()).content.decode()
    assert "Pinned: the files stay" in page
    answer = browser.post(reverse("builds:unpin", args=[build.pk]), headers={"accept": "application/json"})
    assert answer.json()["build"]["pinned"] is False
    actions = AuditEvent.objects.filter(owner=alice).values_list("action", flat=True)
    assert {"build-pinned", "build-unpinned"} <= set(actions)


@pytest.fixture
def expired(make: Callable[..., Build]) -> Iterator[Build]:
    build = make(b"file")
    pruning.prune(apply=True, moment=_later())
    build.refresh_from_db()
    yield build


@pytest.mark.django_db
def test_an_expired_build_offers_itself_again(expired: Build, browser: Client) -> None:
    again = reverse("builds:retry", args=[expired.pk])
    for url in (
        reverse("builds:download", args=[expired.pk]),
        reverse("builds:file", args=[expired.pk, "file-0"]),
    ):
        page = browser.get(url)
        assert page.status_code == 410
        assert f'action="{again}"' in page.content.decode()
        answer = browser.get(url, headers={"accept": "application/json"})
        assert (answer.status_code, answer["content-type"]) == (410, "application/problem+json")
        assert again in answer.json()["detail"]
    assert browser.get(reverse("builds:file", args=[expired.pk, "other"])).status_code == 404
    assert "Files removed" in browser.get(expired.get_absolute_url()).content.decode()
    refused = browser.post(reverse("builds:pin", args=[expired.pk]), headers={"accept": "application/json"})
    assert refused.status_code == 409
