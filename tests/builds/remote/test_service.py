"""A builder's endpoints, called in this process."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from builds.builder.models import Entry, Job
from builds.compiler import targets
from builds.compiler.inputs import gather
from builds.remote import job_request
from builds.remote.job_request import sources_digest
from configs.models import AgentConfig
from configs.revisions import create_revision

from .builder import SECRET
from .messages import post, say, signed

pytestmark = [pytest.mark.django_db, pytest.mark.urls("builds.builder.urls")]


@pytest.fixture(autouse=True)
def role(settings: Settings) -> None:
    settings.AGENTFORGE_BUILDER_SECRET = SECRET


@pytest.fixture
def request_(agent: AgentConfig) -> dict[str, Any]:
    document = create_revision(agent).canonical_json
    return {
        "kind": "job",
        "key": str(uuid.uuid4()),
        "build": 7,
        "target": "plugin",
        "system": targets.get("plugin").section,
        "document": document,
        "sources": sources_digest("plugin"),
        "toolchain": gather(document).toolchain.digest,
    }


def test_a_job_is_queued_once(request_: dict[str, Any]) -> None:
    first, second = say("/jobs/", request_), say("/jobs/", request_)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json() == {"job": Job.objects.get().pk, "state": "queued", "result": ""}
    assert Job.objects.get().document == request_["document"]


def test_a_job_may_have_all_that_tools_and_skills_may_hold(request_: dict[str, Any]) -> None:
    document = json.loads(request_["document"])
    files = [{"path": f"{number}.md", "text": "x" * 128_000} for number in range(4)]
    document["skills"] = [{"name": "long", "description": "d", "instructions": "i", "files": files}]
    assert say("/jobs/", {**request_, "document": json.dumps(document)}).status_code == 202


def test_a_forged_job_is_refused(request_: dict[str, Any]) -> None:
    body, headers = signed(request_)
    stranger = "whsec_" + base64.b64encode(b"nobody's secret, 32 bytes of it.").decode()
    assert say("/jobs/", request_, secret=stranger).status_code == 401
    assert say("/jobs/", request_, ago=timedelta(minutes=6)).status_code == 401
    assert post("/jobs/", body.replace(b'"plugin"', b'"function"'), headers).status_code == 401
    assert not Job.objects.exists()
    assert post("/jobs/", body, headers).status_code == 202
    assert post("/jobs/", body, headers).status_code == 409


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"sources": "0" * 64}, "different"),
        ({"toolchain": "0" * 64}, "different"),
        ({"system": "plugin plan9/mips"}, "different"),
        ({"target": "toaster"}, "impossible"),
    ],
)
def test_other_bytes_are_refused(request_: dict[str, Any], changed: dict[str, str], code: str) -> None:
    answer = say("/jobs/", {**request_, **changed})
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert not Job.objects.exists()


def test_a_forge_that_lays_sources_out_otherwise_is_refused(
    request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(job_request, "PACKAGE", "package 3")
        of_older = sources_digest("plugin")
    answer = say("/jobs/", {**request_, "sources": of_older})
    assert (answer.status_code, answer.json()["code"]) == (409, "different")


@pytest.mark.parametrize(
    "changed",
    [{"document": "{}"}, {"document": "not JSON"}, {"sources": "../x"}, {"key": "7"}, {"build": "-1"}],
)
def test_malformed_jobs_are_refused(request_: dict[str, Any], changed: dict[str, str]) -> None:
    assert say("/jobs/", {**request_, **changed}).status_code == 422
    assert say("/jobs/", {**request_, "kind": "cancel"}).status_code == 422
    assert not Job.objects.exists()


def test_a_waiting_job_is_cancelled_at_once(request_: dict[str, Any]) -> None:
    pk = say("/jobs/", request_).json()["job"]
    message = {"kind": "cancel", "key": request_["key"]}
    assert say(f"/jobs/{pk}/cancel/", {**message, "key": str(uuid.uuid4())}).status_code == 404
    assert say(f"/jobs/{pk}/cancel/", {**message, "kind": "state"}).status_code == 422
    assert say(f"/jobs/{pk}/cancel/", message).json()["result"] == "cancelled"
    assert [entry.content["result"] for entry in Entry.objects.all()] == ["cancelled"]
    assert say(f"/jobs/{pk}/state/", {**message, "kind": "state"}).json()["state"] == "ended"


@pytest.mark.parametrize("path", ["/", "/builds/", "/admin/", "/sign-in/", "/live/", "/webhooks/builder/1/"])
def test_a_builder_serves_nothing_else(path: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert Client().get("/healthz").status_code == 200
