from __future__ import annotations

import pytest

from agentforge.live import streams
from builds.artifacts import storage
from builds.models import Build
from builds.reports import transcript

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_build_ends_with_verified_files(build: Build) -> None:
    log = transcript(build)
    assert build.status == "succeeded", "\n".join(line["text"] for line in log.lines)
    files = {file.name: file for file in build.artifacts.all()}
    assert set(files) == {
        *("ada.so", "agentforge-host", "manifest.json", "README.md", "LICENSES", "SHA256SUMS"),
        *("sbom.cdx.json", "provenance.dsse.json", "forge.pub"),
    }
    assert all(storage.holds(file.sha256) for file in files.values())
    assert log.ended
    assert [step["state"] for step in build.per_target.get().steps] == ["done"] * 5


def test_a_build_ends_in_one_step_with_its_last_target(build: Build) -> None:
    *_, last = streams.chunks(build.stream_name)
    assert [record["kind"] for _, record in last.records_after(0)] == ["target", "status", "end"]
