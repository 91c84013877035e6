"""Tests with real transactions leave empty tables."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import TransactionTestCase
from procrastinate.contrib.django.models import ProcrastinateJob

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from builds.services import enqueue_build
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.services import create_agent


def _full_tables() -> set[str]:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        exist = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in tables
        )
        cursor.execute(exist)
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_rows_of_every_table_go_but_those_that_come_with_the_code(alice: User) -> None:
    values = {**PRESET_VALUES["balanced"], "provider": "local", "model": "smollm2-135m"}
    agent = create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", **values))
    enqueue_build(agent, by=alice)
    assert ProcrastinateJob.objects.exists()
    assert AuditEvent.objects.exists()
    types, permissions = set(ContentType.objects.all()), set(Permission.objects.all())
    # As Django calls it after each test.
    vars(TransactionTestCase)["_fixture_teardown"](TransactionTestCase())
    assert _full_tables() == {"auth_permission", "django_content_type", "django_migrations"}
    assert (set(ContentType.objects.all()), set(Permission.objects.all())) == (types, permissions)
