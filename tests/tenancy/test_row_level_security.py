"""Talk to the tables directly in SQL, as anybody could through Supabase's API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from agentforge.live.models import Chunk, Stream
from agentforge.tenancy import rls
from builds.models import Artifact, Build, BuildTarget, BuildVerification, ChatMessage
from configs.models import AgentConfig, ApiKey, ProcessRun, Revision
from configs.services import delete_agent
from deployments.models import Connection, Deployment, Site

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
    "builds_build": ("id", "status = status"),
    "builds_buildtarget": ("id", "status = status"),
    "builds_buildverification": ("id", "status = status"),
    "builds_artifact": ("id", "sha256 = sha256"),
    "builds_chatmessage": ("id", "content = content"),
    "deployments_connection": ("id", "who = who"),
    "deployments_site": ("id", "name = name"),
    "deployments_deployment": ("id", "status = status"),
}
READ_ONLY = (
    "accounts_user",
    "audit_auditevent",
    "live_stream",
    "live_chunk",
    "builds_buildtarget",
    "builds_buildverification",
    "deployments_connection",
    "deployments_site",
    "deployments_deployment",
)
# Other tables of the forge: not one of them is a user's to read.
CLOSED = ("accounts_localidentity", "accounts_localsession", "accounts_signin", "accounts_failedattempts")


@dataclass
class Rows:
    agent: AgentConfig
    revision: Revision
    build: Build


def rows_of(user: User) -> Rows:
    AuditEvent.objects.create(owner=user, action="signed-in")
    agent = AgentConfig.objects.create(owner=user, name="Ada", handle="ada")
    key = ApiKey.objects.create(owner=user, provider="openai", ciphertext=b"x")
    ProcessRun.objects.create(owner=user, agent=agent)
    revision = Revision.objects.create(
        owner=user, agent=agent, number=1, canonical_json="{}", sha256="0" * 64
    )
    build = Build.objects.create(owner=user, revision=revision)
    BuildTarget.objects.create(owner=user, build=build, target="plugin")
    BuildVerification.objects.create(owner=user, build=build)
    Artifact.objects.create(owner=user, build=build, name="agent.so", sha256="0" * 64, size=1)
    ChatMessage.objects.create(owner=user, agent=agent, build=build, role="user", content="hello")
    stream = Stream.objects.create(name=f"build-{build.pk}", owner=user, last_seq=1)
    Chunk.objects.create(stream=stream, first_seq=1, last_seq=1, data="{}")
    Connection.objects.create(owner=user, host="netlify", key=key)
    site = Site.objects.create(owner=user, agent=agent, remote_id=str(user.pk), name="ada", url="")
    Deployment.objects.create(owner=user, site=site, build=build, revision=revision)
    return Rows(agent, revision, build)


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


@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
@pytest.mark.parametrize("table", OWNED)
def test_another_tenants_rows_cannot_be_changed(table: str, verb: str, his: Rows, hers: Rows) -> None:
    key, change = OWNED[table]
    with rls.as_service(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {key} FROM {table}")
        keys = [row[0] for row in cursor.fetchall()]
    assert len(keys) == 2
    sql = f"UPDATE {table} SET {change}" if verb == "UPDATE" else f"DELETE FROM {table}"
    try:
        with transaction.atomic():
            assert run(f"{sql} WHERE {key} = ANY(%s)", keys) == 1
            transaction.set_rollback(True)
    except ProgrammingError as error:
        assert "permission denied" in str(error)


@pytest.mark.parametrize("table", READ_ONLY)
def test_what_the_forge_writes_is_read_only(table: str, hers: Rows) -> None:
    _, change = OWNED[table]
    assert refused(f"UPDATE {table} SET {change}")
    assert refused(f"DELETE FROM {table}")
    assert refused(f"INSERT INTO {table} SELECT * FROM {table}")


def test_nobody_makes_rows_for_another(bob: User, his: Rows, hers: Rows) -> None:
    for model, values in forgeries(bob, his, hers).items():
        with (
            pytest.raises((ProgrammingError, IntegrityError), match=r"row-level|permission denied"),
            transaction.atomic(),
        ):
            model.objects.create(**values)


def forgeries(bob: User, his: Rows, hers: Rows) -> dict[type[Any], dict[str, Any]]:
    return {
        AgentConfig: {"owner": bob, "name": "x", "handle": "x"},
        ApiKey: {"owner": bob, "provider": "x", "ciphertext": b""},
        ProcessRun: {"owner": bob, "agent": his.agent},
        Revision: {"owner": bob, "agent": his.agent, "number": 9, "canonical_json": "{}", "sha256": "1"},
        Build: {"owner": bob, "revision": his.revision},
        BuildTarget: {"owner": bob, "build": his.build, "target": "function"},
        BuildVerification: {"owner": bob, "build": his.build, "status": "same"},
        Artifact: {"owner": bob, "build": his.build, "name": "x", "sha256": "1", "size": 1},
        ChatMessage: {"owner": bob, "agent": his.agent, "role": "user"},
        AuditEvent: {"owner": hers.agent.owner, "action": "signed-in"},
        Stream: {"name": "build-0", "owner": bob},
        Chunk: {"stream_id": f"build-{hers.build.pk}", "first_seq": 2, "last_seq": 2, "data": "{}"},
    }


def test_own_rows_cannot_hang_on_anothers(alice: User, his: Rows, hers: Rows) -> None:
    misfits: dict[type[Any], dict[str, Any]] = {
        ProcessRun: {"agent": his.agent},
        Revision: {"agent": his.agent, "number": 9, "canonical_json": "{}", "sha256": "1"},
        Build: {"revision": his.revision},
        ChatMessage: {"agent": hers.agent, "build": his.build, "role": "user"},
    }
    for model, values in misfits.items():
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            model.objects.create(owner=alice, **values)


def test_rows_cannot_be_given_away(bob: User, hers: Rows) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        AgentConfig.objects.filter(pk=hers.agent.pk).update(owner=bob)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE configs_revision SET canonical_json = '{}'",
        "UPDATE builds_buildtarget SET input_digest = 'that of somebody else''s'",
        "UPDATE builds_build SET job_id = 1",
        "UPDATE builds_chatmessage SET job_id = 1",
        "UPDATE configs_processrun SET job_id = 1",
        "UPDATE builds_artifact SET sha256 = 'that of somebody else''s'",
        "DELETE FROM builds_artifact",
    ],
)
def test_what_was_made_from_a_draft_is_not_the_users_to_change(sql: str, hers: Rows) -> None:
    assert refused(sql)


@pytest.mark.parametrize(
    "forged",
    [{"status": "succeeded"}, {"job_id": 1}],
)
def test_a_build_starts_as_a_build_starts(alice: User, hers: Rows, forged: dict[str, Any]) -> None:
    Build.objects.create(owner=alice, revision=hers.revision)
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Build.objects.create(owner=alice, revision=hers.revision, **forged)
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        ChatMessage.objects.create(owner=alice, agent=hers.agent, role="user", job_id=1)


def test_own_rows_can_be_made_changed_and_deleted(alice: User, hers: Rows) -> None:
    created = AgentConfig.objects.create(owner=alice, name="Bea", handle="bea")
    created.name = "Bee"
    created.save()
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
