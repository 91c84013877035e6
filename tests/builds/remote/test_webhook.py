"""Forge a builder's messages, and send them in every wrong order."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds import recovery
from builds.artifacts import storage
from builds.models import Build
from builds.remote.messages import CHUNK_RECORDS, PIECE_BYTES
from builds.remote.models import RemoteFile, RemoteJob, RemotePiece, SeenMessage
from configs.models import AgentConfig, KnowledgeBlob
from configs.revisions import create_revision

from .builder import SECRET
from .messages import post, say, signed

pytestmark = pytest.mark.django_db
OTHER = "whsec_" + base64.b64encode(b"another secret, 32 bytes of it..").decode()
LINE = {"kind": "line", "stream": "out", "text": "compiling"}


@pytest.fixture
def job(agent: AgentConfig, alice: User, settings: Settings) -> RemoteJob:
    """A job of alice's build at the builder `iron`; there is a builder `tin` too."""
    settings.AGENTFORGE_BUILDERS = [
        {"name": "iron", "url": "http://127.0.0.1:9", "secret": SECRET},
        {"name": "tin", "url": "http://127.0.0.1:9", "secret": OTHER},
    ]
    build = Build.objects.create(owner=alice, revision=create_revision(agent))
    return RemoteJob.objects.create(build=build, target="plugin", builder="iron")


@pytest.fixture
def send(job: RemoteJob) -> Callable[..., Any]:
    return lambda kind, **content: say(path(job), {"kind": kind, "key": str(job.key), **content})


def path(job: RemoteJob) -> str:
    return f"/webhooks/builder/{job.build_id}/"


def log(job: RemoteJob, sequence: int = 0, *records: Any) -> dict[str, Any]:
    return {"kind": "log", "key": str(job.key), "sequence": sequence, "records": list(records) or [LINE]}


def untouched(job: RemoteJob) -> bool:
    job.refresh_from_db()
    return job.next_sequence == 0 and not job.chunks.exists() and job.state == RemoteJob.State.OPEN


def test_a_signed_message_is_taken_once(job: RemoteJob) -> None:
    body, headers = signed(log(job))
    assert post(path(job), body, headers).json()["next"] == 1
    again = post(path(job), body, headers)
    assert (again.status_code, again.json()["code"]) == (409, "repeated")
    assert [chunk.records for chunk in job.chunks.all()] == [[LINE]]


@pytest.mark.parametrize("ago", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_another_time_is_refused(job: RemoteJob, ago: timedelta) -> None:
    assert say(path(job), log(job), ago=ago).status_code == 401
    assert untouched(job)
    assert not SeenMessage.objects.exists()


def test_another_secret_is_refused(job: RemoteJob) -> None:
    stranger = "whsec_" + base64.b64encode(b"nobody's secret, 32 bytes of it.").decode()
    assert say(path(job), log(job), secret=stranger).status_code == 401
    assert untouched(job)


def test_another_body_is_refused(job: RemoteJob) -> None:
    body, headers = signed(log(job))
    assert post(path(job), body.replace(b"compiling", b"destroying"), headers).status_code == 401
    assert untouched(job)


def test_a_later_time_on_an_old_signature_is_refused(job: RemoteJob) -> None:
    body, headers = signed(log(job), ago=timedelta(minutes=10))
    _, now = signed(log(job))
    assert (
        post(path(job), body, {**headers, "webhook-timestamp": now["webhook-timestamp"]}).status_code == 401
    )
    assert untouched(job)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-signature", ""),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,not base64!"),
        ("webhook-signature", "v1a,AAAA"),
        ("webhook-timestamp", "nan"),
        ("webhook-timestamp", "soon"),
        ("webhook-id", ""),
        ("webhook-id", "another"),
    ],
)
def test_broken_headers_are_refused(job: RemoteJob, name: str, value: str) -> None:
    body, headers = signed(log(job))
    answer = post(path(job), body, {**headers, name: value})
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert untouched(job)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[]", b"null", b'{"kind":"log","kind":"end"}'])
def test_what_is_no_message_is_refused(job: RemoteJob, body: bytes) -> None:
    _, headers = signed({})
    assert post(path(job), body, headers).status_code == 401
    assert say(path(job), []).status_code == 401


def test_a_job_is_reached_by_its_builder_and_its_build_only(
    job: RemoteJob, agent: AgentConfig, alice: User
) -> None:
    other = Build.objects.create(owner=alice, revision=create_revision(agent))
    assert say(f"/webhooks/builder/{other.pk}/", log(job)).status_code == 404
    assert say(path(job), log(job), secret=OTHER).status_code == 404
    assert say(path(job), {**log(job), "key": "no key"}).status_code == 404
    assert untouched(job)


def test_messages_out_of_order_change_nothing(job: RemoteJob) -> None:
    ahead = say(path(job), log(job, 1))
    assert (ahead.status_code, ahead.json()["next"]) == (409, 0)
    assert untouched(job)
    for _ in range(2):
        assert say(path(job), log(job, 0)).json()["next"] == 1
    assert job.chunks.count() == 1


def test_malformed_messages_change_nothing(job: RemoteJob, send: Callable[..., Any]) -> None:
    too_many = [LINE] * (CHUNK_RECORDS + 1)
    wrong = [
        send("dance"),
        send("log", sequence=0, records="line"),
        send("log", sequence=-1, records=[LINE]),
        send("log", sequence=0, records=too_many),
        send("log", sequence=0, records=["line"]),
        send("end", sequence=0, result="wonderful"),
        send("files", sequence=0, announced=[{"name": "../plugin", "sha256": "0" * 64, "size": 1}]),
        send("files", sequence=0, announced=[{"name": "program", "sha256": "0" * 64, "size": 10**12}]),
        send("piece", name="program", offset=0, content="AAAA"),
    ]
    assert [answer.status_code for answer in wrong] == [422] * len(wrong)
    assert untouched(job)


def test_what_is_too_long_is_refused_unread(job: RemoteJob) -> None:
    assert say(path(job), log(job, 0, {**LINE, "text": "x" * 3_000_000})).status_code == 413
    assert untouched(job)


def test_what_nobody_waits_for_is_refused(job: RemoteJob, send: Callable[..., Any]) -> None:
    RemoteJob.objects.update(state=RemoteJob.State.GIVEN_UP)
    assert send("ask").status_code == 410


def test_what_a_dead_worker_left_of_a_job_goes_with_its_build(
    job: RemoteJob, send: Callable[..., Any]
) -> None:
    announce(send, b"0123456789")
    assert piece(send, 0, b"0123") == (200, 4)
    assert send("log", sequence=1, records=[LINE]).status_code == 200
    recovery.recover()
    assert (RemotePiece.objects.count(), job.chunks.count()) == (1, 1)
    Build.objects.update(status="cancelled", finished_at=timezone.now())
    recovery.recover()
    assert not RemotePiece.objects.exists()
    assert not job.chunks.exists()
    assert piece_answer(send, 4, b"4567").status_code == 410


def announce(send: Callable[..., Any], content: bytes, sha256: str = "") -> None:
    sha256 = sha256 or hashlib.sha256(content).hexdigest()
    described = {"name": "program", "sha256": sha256, "size": len(content)}
    answer = send("files", sequence=0, announced=[described])
    assert answer.json() == {"next": 1, "offsets": {"program": 0}}


def piece(send: Callable[..., Any], offset: int, data: bytes) -> tuple[int, int]:
    answer = piece_answer(send, offset, data)
    return answer.status_code, answer.json()["offset"]


def piece_answer(send: Callable[..., Any], offset: int, data: bytes) -> Any:
    return send("piece", name="program", offset=offset, content=base64.b64encode(data).decode())


def test_an_upload_goes_on_where_it_stands(job: RemoteJob, send: Callable[..., Any]) -> None:
    announce(send, b"0123456789")
    assert piece(send, 4, b"4567") == (409, 0)
    assert piece(send, 0, b"0123") == (200, 4)
    assert piece(send, 0, b"0123") == (409, 4)
    assert send("end", sequence=1, result="succeeded").status_code == 409
    assert piece(send, 4, b"456789 and more") == (422, 4)
    assert send("ask").json() == {"next": 1, "offsets": {"program": 4}}
    assert piece(send, 4, b"456789") == (200, 10)
    assert send("end", sequence=1, result="succeeded").json()["next"] == 2
    job.refresh_from_db()
    assert job.state == RemoteJob.State.SUCCEEDED
    # Repeated after a lost response, it changes nothing; nor do later messages.
    assert send("end", sequence=1, result="failed").json()["next"] == 2
    assert send("log", sequence=2, records=[LINE]).json()["next"] == 2
    job.refresh_from_db()
    assert job.state == RemoteJob.State.SUCCEEDED


def test_a_file_with_another_hash_begins_again(send: Callable[..., Any]) -> None:
    announce(send, b"0123456789", sha256="0" * 64)
    assert piece(send, 0, b"0123456789") == (409, 0)
    assert not RemotePiece.objects.exists()
    assert RemoteFile.objects.get().received == 0


def test_a_piece_has_a_limit(send: Callable[..., Any]) -> None:
    content = bytes(2 * PIECE_BYTES)
    announce(send, content)
    answer = send(
        "piece", name="program", offset=0, content=base64.b64encode(content[: PIECE_BYTES + 3]).decode()
    )
    assert answer.status_code == 422
    assert piece(send, 0, content[:PIECE_BYTES]) == (200, PIECE_BYTES)


def test_bytes_that_are_here_are_not_asked_for(send: Callable[..., Any]) -> None:
    sha256 = storage.put(b"the host of all agents")
    described = {"name": "host", "sha256": sha256, "size": 22}
    assert send("files", sequence=0, announced=[described]).json()["offsets"] == {"host": 22}


def test_a_text_is_given_for_the_configuration_that_names_it(
    job: RemoteJob, agent: AgentConfig, alice: User, send: Callable[..., Any]
) -> None:
    named, unnamed = (
        stored_text(agent, alice, text) for text in (b"x" * PIECE_BYTES + b"the end", b"unnamed")
    )
    entry = {"name": "law.md", "sha256": named, "text": named, "state": "ready"}
    agent.knowledge = [entry]
    agent.save()
    assert send("text", sha256=named, offset=0).json() == {"size": None, "content": ""}
    job.build.revision = create_revision(agent)
    job.build.save()
    last = send("text", sha256=named, offset=PIECE_BYTES).json()
    assert last == {"size": PIECE_BYTES + 7, "content": base64.b64encode(b"the end").decode()}
    assert send("text", sha256=unnamed, offset=0).json()["size"] is None
    assert send("text", sha256=named, offset=-1).status_code == 422
    assert send("text", sha256="../law.md", offset=0).status_code == 422
    RemoteJob.objects.filter(pk=job.pk).update(state=RemoteJob.State.SUCCEEDED)
    assert send("text", sha256=named, offset=0).json()["size"] is None


def stored_text(agent: AgentConfig, by: User, text: bytes) -> str:
    sha256 = hashlib.sha256(text).hexdigest()
    KnowledgeBlob.objects.create(owner=by, agent=agent, sha256=sha256, content=text, size=len(text))
    return sha256
