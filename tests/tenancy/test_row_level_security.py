"""Talk to the tables directly in SQL, as anybody could through Supabase's API."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction

from agentforge.accounts.models import User
from agentforge.tenancy import rls
from builds.models import (
    AnswerFiles,
    Artifact,
    Build,
    BuildTarget,
    BuildVerification,
    ChatImage,
    ChatMessage,
    Conversation,
    Evaluation,
    EvaluationRun,
)
from configs.conflicts import Basis
from configs.models import AgentConfig, KnowledgeBlob, KnowledgeFile, ProcessRun, Revision
from configs.services import create_agent, delete_agent, save_draft
from deployments.models import Connection, Deployment, Site

from .rows import EMPTY_DIGEST, Rows, rows_of

pytestmark = pytest.mark.django_db

# The tables that a user's rows lie in: the key, and an `UPDATE … SET` that changes nothing.
OWNED = {
    "accounts_user": ("id", "is_superuser = is_superuser"),
    "audit_auditevent": ("id", "action = action"),
    "live_stream": ("name", "last_seq = last_seq"),
    "live_chunk": ("id", "data = data"),
    "configs_agentconfig": ("id", "name = name"),
    "configs_apikey": ("id", "provider = provider"),
    "configs_processrun": ("id", "status = status"),
    "configs_revision": ("id", "sha256 = sha256"),
    "configs_knowledgefile": ("id", "name = name"),
    "configs_knowledgeblob": ("id", "sha256 = sha256"),
    "builds_build": ("id", "status = status"),
    "builds_buildtarget": ("id", "status = status"),
    "builds_buildverification": ("id", "status = status"),
    "builds_artifact": ("id", "sha256 = sha256"),
    "builds_conversation": ("id", "title = title"),
    "builds_chatmessage": ("id", "content = content"),
    "builds_answerfiles": ("id", "content = content"),
    "builds_chatimage": ("id", "content = content"),
    "builds_evaluation": ("id", "gate = gate"),
    "builds_evaluationrun": ("id", "status = status"),
    "deployments_connection": ("id", "who = who"),
    "deployments_site": ("id", "name = name"),
    "deployments_deployment": ("id", "status = status"),
}
# Other tables of the forge: not one of them is a user's to read.
CLOSED = ("accounts_localidentity", "accounts_localsession", "accounts_signin", "accounts_failedattempts")


@pytest.fixture
def his(bob: User) -> Rows:
    return rows_of(bob)


@pytest.fixture
def hers(alice: User) -> Iterator[Rows]:
    rows = rows_of(alice)
    with rls.as_user(alice.pk):
        yield rows


def run(sql: str, *params: Any) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def refused(sql: str, *params: Any) -> bool:
    try:
        run(sql, *params)
    except ProgrammingError as error:
        return "permission denied" in str(error) or "row-level security" in str(error)
    return False


def test_the_lists_above_name_every_owned_table() -> None:
    owned = {
        model._meta.db_table
        for model in apps.get_models()
        if any(field.name == "owner" for field in model._meta.get_fields())
    }
    assert owned <= OWNED.keys()


@pytest.mark.parametrize("table", OWNED)
def test_a_user_sees_own_rows_only(table: str, his: Rows, hers: Rows) -> None:
    assert run(f"SELECT * FROM {table}") == 1
    with rls.as_service():
        assert run(f"SELECT * FROM {table}") == 2


@pytest.mark.parametrize("table", OWNED)
def test_a_user_only_reads(table: str, hers: Rows) -> None:
    _, change = OWNED[table]
    assert refused(f"UPDATE {table} SET {change}")
    assert refused(f"DELETE FROM {table}")
    assert refused(f"INSERT INTO {table} SELECT * FROM {table}")


MISFITS: dict[type[Any], Callable[[Rows, Rows], dict[str, Any]]] = {
    AgentConfig: lambda his, hers: {"name": "x", "handle": "x", "api_key": his.key},
    ProcessRun: lambda his, hers: {"agent": his.agent},
    KnowledgeFile: lambda his, hers: {"agent": his.agent, "name": "x.md", "sha256": "2" * 64},
    KnowledgeBlob: lambda his, hers: {"agent": his.agent, "sha256": "2" * 64, "content": b"x", "size": 1},
    Revision: lambda his, hers: {
        "agent": his.agent,
        "number": 9,
        "canonical_json": "[]",
        "sha256": hashlib.sha256(b"[]").hexdigest(),
    },
    Build: lambda his, hers: {"revision": his.revision},
    BuildTarget: lambda his, hers: {"build": his.build, "target": "function"},
    BuildVerification: lambda his, hers: {"build": his.build},
    Artifact: lambda his, hers: {"build": his.build, "name": "x", "sha256": "1", "size": 1},
    Conversation: lambda his, hers: {"agent": his.agent, "title": "x"},
    ChatMessage: lambda his, hers: {"agent": hers.agent, "build": his.build, "role": "user"},
    AnswerFiles: lambda his, hers: {
        "message": ChatMessage.objects.create(owner=his.agent.owner, agent=his.agent, role="assistant"),
        "content": b"x",
    },
    ChatImage: lambda his, hers: {
        "message": ChatMessage.objects.create(owner=his.agent.owner, agent=his.agent, role="user"),
        "number": 0,
        "media_type": "image/gif",
        "content": b"x",
    },
    Evaluation: lambda his, hers: {
        "agent": AgentConfig.objects.create(owner=his.agent.owner, name="x", handle="y")
    },
    EvaluationRun: lambda his, hers: {"agent": hers.agent, "build": his.build, "subject": "x", "trials": 1},
    Connection: lambda his, hers: {"host": "elsewhere", "key": his.key},
    Site: lambda his, hers: {"agent": his.agent, "remote_id": "x", "name": "x", "url": ""},
    Deployment: lambda his, hers: {"site": hers.site, "build": his.build, "revision": hers.revision},
}


@pytest.mark.parametrize("model", MISFITS, ids=lambda model: model.__name__)
def test_not_even_the_forge_hangs_a_row_on_anothers(
    model: type[Any], alice: User, his: Rows, hers: Rows
) -> None:
    with pytest.raises(IntegrityError, match="_owner"), transaction.atomic(), rls.as_service():
        model.objects.create(owner=alice, **MISFITS[model](his, hers))
        run("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_row_that_others_refer_to_keeps_its_owner(bob: User, hers: Rows) -> None:
    with pytest.raises(IntegrityError, match="_owner"), transaction.atomic(), rls.as_service():
        AgentConfig.objects.filter(pk=hers.agent.pk).update(owner=bob)
        run("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_revisions_digest_is_that_of_its_document(alice: User, hers: Rows) -> None:
    forged = {"canonical_json": "[]", "sha256": EMPTY_DIGEST}
    with pytest.raises(IntegrityError, match="_digest"), transaction.atomic(), rls.as_service():
        Revision.objects.create(owner=alice, agent=hers.agent, number=9, **forged)


def test_the_forge_makes_changes_and_deletes_a_users_rows(alice: User, hers: Rows) -> None:
    created = create_agent(AgentConfig(owner=alice, name="Bea", handle="bea"))
    save_draft(created, {"name": "Bee"}, Basis())
    delete_agent(hers.agent)
    assert list(AgentConfig.objects.values_list("name", flat=True)) == ["Bee"]


@pytest.mark.parametrize("table", [*OWNED, *CLOSED, "django_session", "procrastinate_jobs", "auth_group"])
def test_anonymous_reaches_nothing(table: str, his: Rows) -> None:
    with rls.as_anonymous():
        for sql in (f"SELECT * FROM {table}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            assert refused(sql), sql


@pytest.mark.parametrize("table", [*CLOSED, "django_session", "procrastinate_jobs", "auth_group"])
def test_users_reach_no_other_table(table: str, hers: Rows) -> None:
    for sql in (f"SELECT * FROM {table}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        assert refused(sql), sql


def test_a_user_cannot_become_an_operator(alice: User, hers: Rows) -> None:
    assert refused("UPDATE accounts_user SET is_superuser = true")
    with pytest.raises(DatabaseError):
        run("ALTER TABLE configs_agentconfig DISABLE ROW LEVEL SECURITY")


def test_no_claims_means_nothing_visible(alice: User, his: Rows) -> None:
    with transaction.atomic():
        run("SELECT set_config('role', 'authenticated', true)")
        assert run("SELECT * FROM configs_agentconfig") == 0
        run("SELECT set_config('role', 'none', true)")


def test_a_claim_that_is_no_uuid_sees_nothing(his: Rows) -> None:
    with transaction.atomic():
        run("SELECT set_config('role', 'authenticated', true)")
        run("""SELECT set_config('request.jwt.claims', '{"sub": "x"}', true)""")
        with pytest.raises(DatabaseError):
            run("SELECT * FROM configs_agentconfig")
        run("SELECT set_config('role', 'none', true)")
