"""Download a build's files and run them without Go and Python."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User
from builds.artifacts import storage
from builds.models import Build, BuildTarget
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.standins.openai import OpenAIStandIn

pytestmark = pytest.mark.django_db(transaction=True)


def _zip_of(browser: Client, build: Build) -> bytes:
    answer = browser.get(reverse("builds:download", args=[build.pk]))
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == f'attachment; filename="ada-{build.revision.number}.zip"'
    content = b"".join(answer)
    assert answer["Content-Length"] == str(len(content))
    return content


@pytest.fixture
def unpacked(browser: Client, build: Build, tmp_path: Path) -> Path:
    """The directory of the unpacked zip, with the file modes from the zip."""
    with zipfile.ZipFile(io.BytesIO(_zip_of(browser, build))) as archive:
        # Nothing is compressed: a zip comes as fast as the disk.
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
        assert archive.testzip() is None
        for entry in archive.infolist():
            Path(archive.extract(entry, tmp_path)).chmod(entry.external_attr >> 16)
    return tmp_path


def test_the_zip_proves_itself_and_runs_by_itself(
    browser: Client, build: Build, unpacked: Path, local_model: OpenAIStandIn
) -> None:
    """One build serves all checks, since compiling is slow."""
    assert _zip_of(browser, build) == _zip_of(browser, build)
    _check_sums(unpacked)
    _check_manifest(build, unpacked)
    environment = {"LOCAL_MODEL_URL": local_model.url}
    host = [str(unpacked / "agentforge-host")]
    plugin = str(unpacked / "ada.so")
    reply = subprocess.run(
        [*host, "--message", "Hello there", plugin],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (reply.returncode, reply.stdout) == (0, "You said: Hello there\n"), reply.stderr
    _talk(host, plugin, environment)
    _serve(host, plugin, environment)


def _check_sums(unpacked: Path) -> None:
    subprocess.run(
        ["/usr/bin/sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=unpacked,
        check=True,
        capture_output=True,
    )
    named = {line.split()[1] for line in (unpacked / "SHA256SUMS").read_text().splitlines()}
    # The signed provenance contains the hash of each file, so it can't list itself.
    proof = {"SHA256SUMS", "provenance.dsse.json", "forge.pub"}
    assert named | proof == {path.name for path in unpacked.iterdir()}


def _check_manifest(build: Build, unpacked: Path) -> None:
    manifest = json.loads((unpacked / "manifest.json").read_text())
    assert manifest["revision_sha256"] == build.revision.sha256
    assert manifest["agent"]["name"] == "Ada"
    assert (
        manifest["host_needs"]["go"] == manifest["toolchain"]["go"] == build.per_target.get().toolchain["go"]
    )
    assert "Redistribution and use in source and binary forms" in (unpacked / "LICENSES").read_text()
    assert "./agentforge-host --serve" in (unpacked / "README.md").read_text()


def _talk(host: list[str], plugin: str, environment: dict[str, str]) -> None:
    talk = subprocess.run(
        [*host, plugin],
        env=environment,
        input="One\nTwo\n/quit\n",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert talk.returncode == 0
    assert "You said: One" in talk.stdout
    assert "You said: Two" in talk.stdout


def _serve(host: list[str], plugin: str, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [*host, "--serve", "127.0.0.1:0", plugin], env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        line = server.stderr.readline()
        url = next(word for word in line.split() if word.startswith("http://")).rstrip("/")
        assert httpx.get(f"{url}/healthz").status_code == 200
        reply = httpx.post(f"{url}/chat", json={"messages": [{"role": "user", "content": "Served?"}]})
        assert '"done"' in reply.text
        assert "You said: Served?" in reply.text
        server.terminate()
        assert server.wait(60) == 0


def test_a_single_file_has_its_hash_as_tag(browser: Client, build: Build) -> None:
    file = build.artifacts.get(name="manifest.json")
    url = reverse("builds:file", args=[build.pk, "manifest.json"])
    answer = browser.get(url)
    assert b"".join(answer) == storage.path_of(file.sha256).read_bytes()
    assert answer["ETag"] == f'"{file.sha256}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Length"] == str(file.size)
    assert browser.get(url, headers={"if-none-match": answer["ETag"]}).status_code == 304
    assert browser.get(reverse("builds:file", args=[build.pk, "other"])).status_code == 404


RANGES = {
    "bytes=0-0": (0, 1),
    "bytes=3-9": (3, 10),
    "bytes=7-": (7, None),
    "bytes=-5": (-5, None),
    "bytes=-99999999": (0, None),
    "bytes=2-99999999": (2, None),
    "bytes=2-" + "9" * 6000: (2, None),
    "BYTES=3-9": (3, 10),
    "bytes = 3-9, ": (3, 10),
    "bytes=00003-009": (3, 10),
}
IGNORED = [
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=9-3",
    "bytes=a-b",
    "bytes=0-1,3-4",
    "lines=0-1",
    "bytes=0--1",
]
BEYOND = ["bytes=99999999-", "bytes=-0", "bytes=" + "9" * 6000 + "-"]


def test_an_interrupted_download_is_resumed(browser: Client, build: Build) -> None:
    """One build serves all ranges, since compiling is slow."""
    url = reverse("builds:file", args=[build.pk, "manifest.json"])
    first = browser.get(url)
    whole, tag = b"".join(first), first["ETag"]
    assert first["Accept-Ranges"] == "bytes"
    for asked, (begin, end) in RANGES.items():
        answer = browser.get(url, headers={"range": asked})
        part = whole[begin:end]
        start = len(whole) + begin if begin < 0 else begin
        assert (answer.status_code, b"".join(answer)) == (206, part), asked
        assert answer["Content-Range"] == f"bytes {start}-{start + len(part) - 1}/{len(whole)}"
        assert (answer["Content-Length"], answer["ETag"]) == (str(len(part)), tag)
    for asked in IGNORED:
        answer = browser.get(url, headers={"range": asked})
        assert (answer.status_code, b"".join(answer)) == (200, whole), asked
    for asked in BEYOND:
        answer = browser.get(url, headers={"range": asked})
        assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(whole)}"), asked


def test_a_range_is_of_the_bytes_that_the_client_has(browser: Client, build: Build) -> None:
    url = reverse("builds:file", args=[build.pk, "manifest.json"])
    tag = browser.head(url)["ETag"]
    part = {"range": "bytes=0-3"}
    conditions = {
        206: [{"if-range": tag}, {"if-match": tag}, {"if-match": f'"other", {tag}'}, {"if-match": "*"}],
        200: [
            {"if-range": '"other"'},
            {"if-range": f"W/{tag}"},
            {"if-range": "Sat, 28 Nov 2026 10:00:00 GMT"},
        ],
        304: [{"if-none-match": tag}, {"if-none-match": f'"other", W/{tag}'}],
        412: [{"if-match": '"other"'}, {"if-match": f"W/{tag}"}],
    }
    for status, headers in conditions.items():
        for each in headers:
            assert browser.get(url, headers={**part, **each}).status_code == status, each
    head = browser.head(url, headers=part)
    assert (head.status_code, head["Accept-Ranges"], head["Content-Length"]) == (
        200,
        "bytes",
        str(build.artifacts.get(name="manifest.json").size),
    )
    assert "Content-Range" not in head
    assert browser.get(reverse("builds:download", args=[build.pk]), headers=part).status_code == 200


def test_the_same_agent_gives_the_same_bytes_from_the_cache_and_anew(
    build: Build, agent: AgentConfig, alice: User, work: Callable[[], None]
) -> None:
    cached = enqueue_build(agent, by=alice)
    work()
    cached.refresh_from_db()
    assert (cached.status, cached.from_cache) == ("succeeded", True)
    BuildTarget.objects.update(input_digest="")
    anew = enqueue_build(agent, by=alice)
    work()
    anew.refresh_from_db()
    assert (anew.status, anew.from_cache) == ("succeeded", False)
    hashes = [dict(each.artifacts.values_list("name", "sha256")) for each in (build, cached, anew)]
    assert hashes[0] == hashes[1] == hashes[2]
