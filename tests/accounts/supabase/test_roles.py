from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from agentforge.accounts.models import SignIn, User
from tests.standins.supabase_auth import SupabaseAuth

from .supabase_browser import is_signed_in, row

pytestmark = pytest.mark.django_db


def rights(client: Client, auth: SupabaseAuth, **metadata: Any) -> tuple[bool, bool, bool, bool]:
    """Return staff, superuser, may look, may change, after a refresh with that metadata."""
    [account] = auth.state.accounts.values()
    account.app_metadata = metadata
    SignIn.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert is_signed_in(client)
    user = User.objects.get()
    looks, changes = user.has_perm("accounts.view_user"), user.has_perm("accounts.change_user")
    return user.is_staff, user.is_superuser, looks, changes


def test_app_metadata_makes_operators_and_unmakes_them(auth: SupabaseAuth, signed_in: Client) -> None:
    assert rights(signed_in, auth) == (False, False, False, False)
    assert rights(signed_in, auth, agentforge_role="viewer") == (True, False, True, False)
    assert rights(signed_in, auth, agentforge_role="operator") == (True, True, True, True)
    assert rights(signed_in, auth, agentforge_role="root") == (False, False, False, False)
    assert rights(signed_in, auth, agentforge_role=["operator"]) == (False, False, False, False)


def test_user_metadata_makes_nobody_an_operator(auth: SupabaseAuth, signed_in: Client) -> None:
    [account] = auth.state.accounts.values()
    account.user_metadata = {"agentforge_role": "operator", "app_metadata": {"agentforge_role": "operator"}}
    assert rights(signed_in, auth) == (False, False, False, False)


def test_scripts_have_the_role_of_their_token(auth: SupabaseAuth, signed_in: Client) -> None:
    rights(signed_in, auth, agentforge_role="operator")
    User.objects.update(role="", is_staff=False, is_superuser=False)
    headers = {"Authorization": f"Bearer {row(signed_in).access_token}"}
    Client(headers=headers).get("/agents/")
    assert User.objects.get().is_superuser


def test_the_command_says_where_operators_are_named(
    auth: SupabaseAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "is not used")
    with pytest.raises(CommandError, match="agentforge_role"):
        call_command("createsuperuser", "--noinput", email="olga@example.com", verbosity=0)
    assert not User.objects.exists()
