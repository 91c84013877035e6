from __future__ import annotations

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from agentforge.accounts.models import User
from agentforge.tenancy import rls
from configs.models import AgentConfig


def role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('request.jwt.claims', true)")
        row = cursor.fetchone()
    return f"{row[0]} {row[1] or ''}".strip()


@pytest.mark.django_db
def test_roles_nest_and_come_back(alice: User, bob: User) -> None:
    outside = role()
    with rls.as_user(alice.pk):
        assert role().startswith("authenticated") and str(alice.pk) in role()
        with rls.as_service():
            assert role() == outside
            with rls.as_user(bob.pk):
                assert str(bob.pk) in role()
            assert role() == outside
        assert str(alice.pk) in role()
        with rls.as_anonymous():
            assert role().startswith("anon")
        assert str(alice.pk) in role()
    assert role() == outside


@pytest.mark.django_db
def test_as_service_comes_back_after_an_error(alice: User) -> None:
    with rls.as_user(alice.pk):
        with pytest.raises(ValueError, match="mine"), rls.as_service():
            raise ValueError("mine")
        assert str(alice.pk) in role()


@pytest.mark.django_db
def test_a_database_error_inside_a_savepoint_is_survived(alice: User) -> None:
    with rls.as_user(alice.pk):
        with pytest.raises(IntegrityError), transaction.atomic(), rls.as_service():
            AgentConfig.objects.create(owner=alice, name="Ada", handle="ada", creativity=9)
        assert str(alice.pk) in role()
        with pytest.raises(DataError), rls.as_user(alice.pk), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        assert str(alice.pk) in role()


@pytest.mark.django_db(transaction=True)
def test_an_aborted_transaction_leaves_no_role_behind(alice: User) -> None:
    outside = role()
    with pytest.raises(IntegrityError), rls.as_user(alice.pk), rls.as_service():
        AgentConfig.objects.create(owner=alice, name="Ada", handle="ada", creativity=9)
    assert role() == outside
    with rls.as_user(alice.pk):
        assert str(alice.pk) in role()
    assert role() == outside


@pytest.mark.django_db(transaction=True)
def test_no_role_and_no_claims_go_back_to_the_pool(alice: User) -> None:
    outside, used = role(), backend()
    with rls.as_user(alice.pk):
        pass
    with pytest.raises(ValueError, match="mine"), rls.as_user(alice.pk):
        raise ValueError("mine")
    assert backend() == used
    for _ in range(connection.settings_dict["OPTIONS"]["pool"]["max_size"]):
        connection.close()
        assert role() == outside
        if backend() == used:
            return
    pytest.fail("the pool never gave the same connection again: this test shows nothing")


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
def test_only_some_claims_are_told(alice: User) -> None:
    claims = {
        "sub": "other",
        "role": "service_role",
        "aal": "aal1",
        "user_metadata": {"x": "\x00"},
        "email": "x",
    }
    with rls.as_user(alice.pk, claims):
        data = role()
    assert data == f'authenticated {{"sub": "{alice.pk}", "role": "authenticated", "aal": "aal1"}}'
