"""An account is exported and deleted by its owner, with everything that belongs to it."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.apps import apps
from django.test import Client
from django.utils.timezone import now

from agentforge.accounts.models import ApiToken, LocalIdentity, SignIn, User
from agentforge.audit.models import AuditEvent
from agentforge.live.streams import create_stream, publish
from builds import belongings
from builds.models import (
    AnswerFiles,
    Artifact,
    Build,
    BuildStatus,
    BuildVerification,
    ChatImage,
    ChatMessage,
)
from configs.keys.vault import save_key
from configs.models import AgentConfig, ApiKey
from configs.revisions import create_revision
from deployments.models import Connection
from tests.drivers import people

pytestmark = pytest.mark.django_db
KEY = "sk-0123456789-secret"
# Which tests look for them: here, and in tests/configs/test_knowledge.py.
EXPORTED = {
    *("accounts.SignIn", "accounts.ApiToken", "audit.AuditEvent", "live.Stream"),
    *("configs.AgentConfig", "configs.ApiKey", "configs.Revision"),
    *("configs.KnowledgeFile", "configs.KnowledgeBlob"),
    *("builds.Build", "builds.BuildTarget", "builds.Artifact", "builds.BuildVerification"),
    *("builds.Conversation", "builds.ChatMessage", "builds.AnswerFiles", "builds.ChatImage"),
    *("builds.Evaluation", "builds.EvaluationRun"),
    *("deployments.Connection", "deployments.Site", "deployments.Deployment"),
}
NOT_EXPORTED = {
    "configs.ProcessRun": "what a draft's checks say, which follows from the draft",
    "admin.LogEntry": "what operators did",
}


@pytest.fixture
def hers(alice: User) -> Client:
    agent = AgentConfig.objects.create(owner=alice, name="Ada", handle="ada", provider="openai", model="m")
    save_key(alice, "openai", KEY)
    build = Build.objects.create(owner=alice, revision=create_revision(agent), status=BuildStatus.SUCCEEDED)
    Artifact.objects.create(owner=alice, build=build, name="SHA256SUMS", sha256="0" * 64, size=3)
    ChatMessage.objects.create(owner=alice, agent=agent, role="user", content="Hello Ada")
    client = Client()
    people.sign_in(client, alice)
    return client


def test_the_export_holds_logs_as_far_as_there_is_room(
    hers: Client, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Build.objects.get(owner=alice)
    second = Build.objects.create(owner=alice, revision=first.revision, status=BuildStatus.FAILED)
    for build in (first, second):
        create_stream(build.stream_name, alice.pk)
        publish(build.stream_name, {"kind": "line", "stream": "err", "text": f"of build {build.pk}"})
    create_stream("build-999999", bob.pk)
    publish("build-999999", {"kind": "line", "stream": "out", "text": "Bob's"})
    everything = _exported(hers)
    logs = sorted(name for name in everything if name.startswith("logs/"))
    assert logs == sorted(f"logs/build-{build.pk}.log" for build in (first, second))
    assert everything[f"logs/build-{first.pk}.log"].endswith(f"Z err of build {first.pk}\n")
    monkeypatch.setattr(belongings, "MOST_LOG_BYTES", 10)
    less = _exported(hers)
    assert f"logs/build-{second.pk}.log" in less
    assert f"logs/build-{first.pk}.log" not in less
    assert less["logs/missing.txt"].endswith(f": {first.pk}\n")


def test_the_export_holds_the_images_and_files_of_chats(
    hers: Client, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = ChatMessage.objects.get(owner=alice)
    ChatImage.objects.create(
        owner=alice, message=question, number=0, media_type="image/gif", content=b"GIF89a\xff"
    )
    AnswerFiles.objects.create(owner=alice, message=question, content=b"\0archive")
    his = AgentConfig.objects.create(owner=bob, name="Bob's", handle="bobs", provider="local", model="m")
    other = ChatMessage.objects.create(owner=bob, agent=his, role="user", content="Bob's")
    AnswerFiles.objects.create(owner=bob, message=other, content=b"Bob's")
    # In the trash they are hers all the same.
    AgentConfig.objects.filter(owner=alice).update(trashed_at=now())
    at = f"chats/{question.agent_id}-{question.pk}"
    assert _files_of_chats(hers) == {f"{at}-0.gif": b"GIF89a\xff", f"{at}-files.tar": b"\0archive"}
    monkeypatch.setattr(belongings, "MOST_FILE_BYTES", 7)
    less = _files_of_chats(hers)
    assert f"{at}-0.gif" in less
    assert less["chats/missing.txt"].decode().endswith(f"{at}-files.tar\n")


def _files_of_chats(client: Client) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(client.get("/accounts/export/").getvalue())) as archive:
        names = [name for name in archive.namelist() if name.startswith("chats/")]
        return {name: archive.read(name) for name in names if not name.endswith(".json")}


def _exported(client: Client) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(client.get("/accounts/export/").getvalue())) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_the_export_holds_everything_but_secrets(hers: Client, bob: User) -> None:
    AgentConfig.objects.create(owner=bob, name="Bob's", handle="bobs", provider="local", model="m")
    answer = hers.get("/accounts/export/")
    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    agent, revisions = sorted(name for name in files if name.startswith("agents/"))[::-1]
    assert "name: Ada" in files[agent]
    [revision] = json.loads(files[revisions])
    assert revision["number"] == 1
    assert revision["configuration"]["identity"]["name"] == "Ada"
    assert json.loads(files["keys.json"])[0]["last_four"] == KEY[-4:]
    [chat] = [name for name in files if name.startswith("chats/")]
    assert json.loads(files[chat])[0]["content"] == "Hello Ada"
    assert json.loads(files["builds.json"])[0]["files"][0]["name"] == "SHA256SUMS"
    assert json.loads(files["account.json"])["email"] == "alice@example.com"
    everything = str(files)
    assert KEY not in everything
    assert "Bob's" not in everything


def test_whatever_belongs_to_a_person_is_in_the_export(hers: Client, alice: User) -> None:
    ApiToken.objects.create(
        user=alice, name="nightly", digest="d1gest", hint="h1nt", scope="read", aal="aal1", expires_at=now()
    )
    Connection.objects.create(owner=alice, host="netlify", key=ApiKey.objects.get(), who="Alice at Netlify")
    BuildVerification.objects.create(owner=alice, build=Build.objects.get(), findings=["Other bytes."])
    files = _exported(hers)
    owned = {
        model._meta.label
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.many_to_one and field.related_model is User
    }
    assert owned == EXPORTED | NOT_EXPORTED.keys()
    assert len(json.loads(files["sign_ins.json"])) == 1 and "nightly" in files["tokens.json"]
    assert "Alice at Netlify" in files["hosts.json"] and "Other bytes." in files["builds.json"]
    assert SignIn.objects.get().access_token not in str(files) and "d1gest" not in str(files)


def test_an_account_is_deleted_once_its_address_is_typed(hers: Client, bob: User) -> None:
    AgentConfig.objects.create(owner=bob, name="Bob's", handle="bobs", provider="local", model="m")
    refused = hers.post("/accounts/delete/", {"email": "bob@example.com"})
    assert refused.status_code == 422
    assert User.objects.filter(email="alice@example.com").exists()
    row = SignIn.objects.get()
    answer = hers.post("/accounts/delete/", {"email": "Alice@example.com"}, follow=True)
    assert "everything in it is deleted" in answer.content.decode()
    assert not User.objects.filter(email="alice@example.com").exists()
    assert not LocalIdentity.objects.exists()
    assert [Build.objects.count(), ChatMessage.objects.count(), ApiKey.objects.count()] == [0, 0, 0]
    assert not SignIn.objects.exists()
    assert [agent.name for agent in AgentConfig.objects.all()] == ["Bob's"]
    bearer = {"Authorization": f"Bearer {row.access_token}"}
    assert Client(headers=bearer).get("/agents/").status_code == 401
    assert not User.objects.filter(email="alice@example.com").exists(), "an old token makes no new account"
    assert AuditEvent.objects.filter(action="account-deleted", owner=None).count() == 1


def test_nothing_is_deleted_under_a_worker(hers: Client) -> None:
    Build.objects.update(status=BuildStatus.RUNNING)
    answer = hers.post("/accounts/delete/", {"email": "alice@example.com"})
    assert answer.status_code == 422
    assert "Cancel it, or wait" in answer.content.decode()
    assert User.objects.filter(email="alice@example.com").exists()
