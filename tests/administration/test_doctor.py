"""The doctor examines everything for real, and says what would mend what is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from agentforge.accounts.models import LocalIdentity, LocalSession, User
from agentforge.live.models import Stream
from agentforge.worker_liveness import WORK
from builds.compiler import control_groups
from tests.drivers import hostile_shell
from tests.drivers.build_worker import WorkerProcess
from tests.drivers.web_process import WebProcess
from tests.standins.supabase_storage import SupabaseStorageStandIn, settings_of

pytestmark = pytest.mark.django_db(transaction=True)
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def web(transactional_db: None) -> Iterator[WebProcess]:
    process = WebProcess().start()
    yield process
    process.stop()


def doctor(*arguments: str) -> tuple[dict[str, dict[str, str]], bool]:
    """Return the findings by name, and whether the command ended well."""
    out, well = StringIO(), True
    try:
        call_command("doctor", "--json", *arguments, stdout=out)
    except CommandError:
        well = False
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert lines[-1]["success"] is well
    return {line["name"]: line for line in lines[:-1]}, well


def test_a_running_forge_is_well(web: WebProcess, alice: User) -> None:
    LocalIdentity.objects.create(pk=alice.pk, email=alice.email, password="!")
    with WorkerProcess(queues=",".join(WORK)) as worker:
        worker.wait_until_it_lives("builds")
        result, well = doctor("--url", web.url)
    assert well, result
    for name in (
        "database",
        "migrations",
        "worker",
        "queue",
        "toolchain",
        "work directory",
        "storage",
        "live delivery",
    ):
        assert result[name]["state"] == "ok", result[name]
    assert "5 records arrived through" in result["live delivery"]["says"]
    assert not LocalSession.objects.exists()
    assert not Stream.objects.exists()


def test_what_is_missing_is_named_with_its_remedy() -> None:
    result, well = doctor("--url", NOWHERE)
    assert not well
    assert result["worker"]["state"] == "failed"
    assert "make run" in result["worker"]["remedy"]
    assert result["live delivery"]["state"] == "warning"
    assert "--url" in result["live delivery"]["remedy"]


def test_it_says_whether_sandboxes_are_limited_in_sum() -> None:
    result, _ = doctor("--url", NOWHERE)
    groups = result["control groups"]
    try:
        directory = control_groups.parent().directory
    except control_groups.ControlGroupError as error:
        assert groups["state"] == "warning"
        assert str(error) in groups["says"]
        assert groups["remedy"] == error.remedy
    else:
        assert groups["state"] == "ok"
        assert str(directory) in groups["says"]


def test_it_says_how_compilers_wait_for_people(settings: Settings) -> None:
    settings.MOST_COMPILERS = 3
    compilers = doctor("--url", NOWHERE)[0]["compilers"]
    assert compilers["state"] == "ok"
    assert compilers["says"].startswith("At most 3 at once on this machine; pages go first by ")
    try:
        by_weight = control_groups.parent().has_weights
    except control_groups.ControlGroupError:
        by_weight = False
    assert ("can't be had" in compilers["says"]) is not by_weight


def test_a_wrong_token_is_told() -> None:
    result, _ = doctor("--url", NOWHERE, "--token", "nonsense")
    assert result["live delivery"]["state"] == "failed"


def test_a_storage_that_refuses_is_told(settings: Settings, tmp_path: Path) -> None:
    with SupabaseStorageStandIn() as stand_in:
        stand_in.buckets.clear()
        settings.STORAGES = {**settings.STORAGES, "artifacts": settings_of(stand_in)}
        settings.VAR_DIR, settings.ARTIFACT_STORAGE = tmp_path, "supabase"
        result, _ = doctor("--url", NOWHERE)
    assert result["storage"]["state"] == "failed"
    assert "Bucket not found" in result["storage"]["says"]
    assert "private bucket named artifacts" in result["storage"]["remedy"]


def test_a_data_directory_without_programs_is_told(settings: Settings, tmp_path: Path) -> None:
    directory = hostile_shell.without_programs(tmp_path)
    if directory is None:
        pytest.skip("no disk here forbids programs, and none can be mounted")
    settings.VAR_DIR = directory / "agentforge-var"
    result, _ = doctor("--url", NOWHERE)
    hostile_shell.remove(tmp_path)
    shutil.rmtree(settings.VAR_DIR, ignore_errors=True)
    assert result["work directory"]["state"] == "failed"
    assert "noexec" in result["work directory"]["remedy"]


def test_people_read_words(capsys: pytest.CaptureFixture[str]) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="checks failed"):
        call_command("doctor", "--url", NOWHERE, stdout=out)
    assert "failed   worker: No worker is alive" in out.getvalue()
    assert "→ Start one: make run" in out.getvalue()
