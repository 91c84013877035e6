"""What the roles of Supabase's API may do, table by table, verb by verb, column by column."""

from __future__ import annotations

import psycopg
import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Model

from agentforge.accounts.models import User
from agentforge.tenancy.checks import owned_models
from tests.drivers import privileges

pytestmark = pytest.mark.django_db

# What users may read of their own rows, and why. Their requests read as the role `authenticated`.
READABLE = {
    "accounts_user": "their own account, on each page",
    "audit_auditevent": "who did what with their account",
    "live_stream": "whose a live stream is",
    "live_chunk": "what happened to their builds, chats and deployments",
    "configs_agentconfig": "their drafts",
    "configs_apikey": "their keys, as ciphertext that only the forge can read",
    "configs_processrun": "how far the check of a configuration is",
    "configs_knowledgefile": "the files of their agents",
    "configs_knowledgeblob": "what those files hold",
    "configs_revision": "what a build was made from",
    "builds_build": "their builds",
    "builds_buildtarget": "what became of each target",
    "builds_buildverification": "whether a build could be reproduced",
    "builds_artifact": "the files of their builds",
    "builds_conversation": "what their chats are called",
    "builds_chatmessage": "their chats",
    "builds_chatimage": "the images in their chats",
    "builds_answerfiles": "the files that answers made",
    "builds_evaluation": "the cases of their agents",
    "builds_evaluationrun": "what their evaluations found",
    "deployments_connection": "which account at a host is connected",
    "deployments_site": "their sites",
    "deployments_deployment": "their deployments",
}
# What users may write by themselves, and why, as "table VERB column": nothing. Forms, limits and the audit
# log stand before every row, and rows decide what is compiled and where a key is sent.
WRITABLE: dict[str, str] = {}


@pytest.fixture
def raw(db: None) -> psycopg.Connection:
    connection.ensure_connection()
    raw: psycopg.Connection = connection.connection
    return raw


def test_users_read_their_own_tables_and_write_nothing(raw: psycopg.Connection, alice: User) -> None:
    assert len(privileges.columns(raw)) > 40
    may = privileges.allowed(raw, "authenticated", alice.pk)
    assert may == {f"{table} SELECT" for table in READABLE} | WRITABLE.keys()


def test_visitors_may_do_nothing(raw: psycopg.Connection) -> None:
    assert privileges.allowed(raw, "anon") == set()


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_no_sequence_or_function_of_the_forge_is_open(raw: psycopg.Connection, role: str) -> None:
    assert privileges.open_sequences(raw, role) == set()
    assert privileges.open_functions(raw, role) == set()


@pytest.mark.parametrize("model", owned_models())
def test_a_row_refers_only_to_rows_of_its_owner(raw: psycopg.Connection, model: type[Model]) -> None:
    """Each foreign key between owned tables has a second one that includes the owner."""
    rows = raw.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass",
        [model._meta.db_table],
    ).fetchall()
    definitions = "\n".join(row[0] for row in rows)
    owned = {each._meta.label for each in owned_models()}
    for field in apps.get_model(model._meta.label)._meta.concrete_fields:
        if field.is_relation and field.related_model._meta.label in owned:
            parent = field.related_model._meta.db_table
            assert f"({field.column}, owner_id) REFERENCES {parent}(id, owner_id)" in definitions
