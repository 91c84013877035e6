"""Reproduce a build's files, and detect tampering."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from builds import recovery
from builds.artifacts import storage
from builds.compiler import workspace
from builds.models import Build, BuildVerification
from builds.package import assembly, signer
from builds.services import enqueue_build
from builds.verification import lifecycle, verifier
from configs.keys.vault import save_key
from configs.models import AgentConfig
from tests.drivers.agent_sources import count_as_warm, with_packages
from tests.drivers.build_stream import wait_for
from tests.drivers.build_worker import WorkerProcess, let_hearts_stop, wait_for_descendants

pytestmark = pytest.mark.django_db(transaction=True)
TARGET = "linux-amd64"
# One of alice's keys, which appears in the sources of `telling`.
SECRET = "planted0123456789abcdefghij"


@pytest.fixture
def telling(alice: User, settings: Settings, tmp_path: Path) -> None:
    """Sources that make the compiler print one of alice's keys: the name of a package."""
    settings.AGENTFORGE_AGENT_SOURCES = with_packages(tmp_path / "agent", {SECRET: f"package {SECRET}\n"})
    count_as_warm()
    save_key(alice, "openai", SECRET)


@pytest.fixture
def executable(agent: AgentConfig, alice: User, work: Callable[[], None]) -> Build:
    """Alice's build of an executable: the quickest to compile with a cold cache."""
    build = enqueue_build(agent, alice, [TARGET])
    work()
    build.refresh_from_db()
    assert build.status == "succeeded", build.error
    return build


@pytest.mark.timeout(1200)
def test_the_same_bytes_come_out_elsewhere_with_a_cold_cache(
    telling: None, build: Build, browser: Client, work: Callable[[], None]
) -> None:
    url = reverse("builds:verify", args=[build.pk])
    response = browser.post(url, headers={"accept": "application/json"})
    assert (response.status_code, response.json()["verification"]["status"]) == (202, "queued")
    assert browser.post(url, headers={"accept": "application/json"}).status_code == 409
    work()
    verification = build.verifications.get()
    assert (verification.status, verification.findings) == ("same", [])
    page = browser.get(build.get_absolute_url()).content.decode()
    assert "every file was the same" in page
    assert "byte for byte" in page
    for stream in (build.stream_name, verification.stream_name):
        log = json.dumps([record for _, record in streams.read(stream)])
        assert SECRET not in log
        assert "agent.local/" in log


def test_a_verification_ends_with_its_worker_and_leaves_nothing(
    executable: Build, alice: User, settings: Settings, tmp_path: Path
) -> None:
    # A separate directory: other tests use the default one concurrently. The secrets are the forge's.
    (tmp_path / "secrets").symlink_to(settings.VAR_DIR / "secrets")
    settings.VAR_DIR = tmp_path
    died = _verified_until_it_compiles(executable, alice, WorkerProcess.kill)
    assert recovery.recover() == 0
    let_hearts_stop()
    assert recovery.recover() == 1
    died.refresh_from_db()
    assert (died.status, died.findings) == ("failed", ["The worker died. Ask again."])
    assert next(reversed(list(streams.read(died.stream_name))))[1]["kind"] == "end"
    work = workspace.work_directory()
    assert list(work.glob("verify-*"))
    _let_time_pass(work)
    workspace.remove_abandoned()
    assert not list(work.glob("verify-*"))
    # A second verification, this time with a graceful stop of the worker.
    stopped = _verified_until_it_compiles(executable, alice, WorkerProcess.stop)
    stopped.refresh_from_db()
    assert (stopped.status, stopped.findings) == ("failed", ["The worker was stopped. Ask again."])
    assert not list(work.glob("verify-*"))
    assert recovery.recover() == 0


def _verified_until_it_compiles(
    build: Build, by: User, end: Callable[[WorkerProcess], object]
) -> BuildVerification:
    """Let a worker process verify a build, and end the worker during the compilation."""
    verification = lifecycle.enqueue(build, by=by)
    with WorkerProcess(AGENTFORGE_VAR=str(workspace.work_directory().parent)) as worker:
        wait_for(verification.stream_name, lambda record: "$ go build" in str(record.get("text")))
        wait_for_descendants(worker.pid)
        end(worker)
    return verification


def _let_time_pass(directory: Path) -> None:
    """Make the files in a directory a minute old."""
    for path in directory.iterdir():
        os.utime(path, (time.time() - 60,) * 2)


@pytest.mark.timeout(1200)
def test_the_command_finds_a_tampered_artifact(executable: Build) -> None:
    program = executable.artifacts.get(name="ada")
    path = storage.path_of(program.sha256)
    whole = path.read_bytes()
    other = storage.put(whole[:-1] + b"x")
    executable.artifacts.filter(name="ada").update(sha256=other)
    out = StringIO()
    with pytest.raises(CommandError, match=f"linux-amd64: ada has sha256 {other}, rebuilt {program.sha256}"):
        call_command("verify_build", str(executable.pk), "--json", stdout=out)
    assert json.loads(out.getvalue().splitlines()[-1])["success"] is False


def test_changed_bytes_and_foreign_signatures_are_found(executable: Build, settings: Settings) -> None:
    files = list(executable.artifacts.filter(target=TARGET))
    rebuilt = [
        assembly.File(each.name, storage.path_of(each.sha256).read_bytes())
        for each in files
        if each.name not in assembly.SIGNATURES
    ]
    assert verifier.differences(TARGET, files, rebuilt) == []
    path = storage.path_of(executable.artifacts.get(name="manifest.json").sha256)
    whole = path.read_bytes()
    path.write_bytes(whole + b" ")
    settings.AGENTFORGE_SIGNING_KEY = "A" * 43 + "="
    findings = verifier.differences(TARGET, files, rebuilt)
    assert any("stored bytes of manifest.json" in finding for finding in findings)
    assert any("provenance.dsse.json is not signed" in finding for finding in findings)
    path.write_bytes(whole)


def test_a_build_of_other_sources_can_not_be_compared(executable: Build) -> None:
    executable.per_target.update(input_digest="0" * 64)
    with pytest.raises(CommandError, match="have changed since this build"):
        call_command("verify_build", str(executable.pk), stdout=StringIO())
    with pytest.raises(CommandError, match="no build"):
        call_command("verify_build", "0", stdout=StringIO())


def test_the_papers_say_what_is_in_it_and_where_it_comes_from(
    build: Build, browser: Client, client: Client, tmp_path: Path
) -> None:
    """One build serves all checks, since compiling is slow."""
    files = {file.name: file.sha256 for file in build.artifacts.all()}
    for name, sha256 in files.items():
        (tmp_path / name).write_bytes(storage.path_of(sha256).read_bytes())
    bill = (tmp_path / assembly.SBOM).read_text()
    sbom = json.loads(bill)
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    parts = {part["name"]: part.get("hashes") for part in sbom["components"]}
    assert set(parts) == {"std", "agent sources", "ada.so", "agentforge-host"}
    assert parts["ada.so"] == [{"alg": "SHA-256", "content": files["ada.so"]}]
    assert "serialNumber" not in bill
    assert "timestamp" not in bill
    signed = (tmp_path / assembly.PROVENANCE).read_bytes()
    assert signer.is_signed(signed, signer.own_key())
    assert not signer.is_signed(signed.replace(b"payload", b"paylaod", 1), signer.own_key())
    _check_statement(build, signed, files)
    key = client.get(reverse("builds:signing_key")).content
    assert key == (tmp_path / assembly.PUBLIC_KEY).read_bytes()
    (tmp_path / "forge.pem").write_bytes(key)
    _verify(tmp_path)


def _check_statement(build: Build, signed: bytes, files: dict[str, str]) -> None:
    statement = json.loads(base64.b64decode(json.loads(signed)["payload"]))
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    subjects = {each["name"]: each["digest"]["sha256"] for each in statement["subject"]}
    assert subjects == {name: sha256 for name, sha256 in files.items() if name not in assembly.SIGNATURES}
    definition = statement["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["revision"] == build.revision.sha256
    assert definition["internalParameters"]["toolchain"] == build.per_target.get().toolchain


def _verify(directory: Path) -> None:
    host, plugin = directory / "agentforge-host", directory / "ada.so"
    host.chmod(0o755)

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run([str(host), *arguments], capture_output=True, text=True, env={}, timeout=60)
        return done.returncode, done.stdout + done.stderr

    code, output = run("verify", "--key", str(directory / "forge.pem"), str(plugin))
    assert (code, f"key sha256 {signer.own_key().name}" in output) == (0, True), output
    with plugin.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"tampered")
    for arguments in (["verify", str(plugin)], ["--manifest", str(plugin)]):
        code, output = run(*arguments)
        assert (code, "(signature)" in output) == (1, True), output


def test_the_key_is_made_once_and_can_be_given(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    settings.AGENTFORGE_SIGNING_KEY = ""
    key = signer.own_key()
    assert signer.own_key().name == key.name
    assert (tmp_path / "secrets" / "signing").stat().st_mode & 0o777 == 0o600
    settings.AGENTFORGE_SIGNING_KEY = "A" * 43 + "="
    assert signer.own_key().name != key.name
    settings.AGENTFORGE_SIGNING_KEY = "short"
    with pytest.raises(ValueError, match="32 bytes"):
        signer.own_key()
