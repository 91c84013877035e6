from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.models import User
from tests.standins.supabase_auth import SupabaseAuth

from .supabase_browser import EMAIL, PASSWORD, sign_in

pytestmark = pytest.mark.django_db


def test_the_account_at_supabase_goes_too(auth: SupabaseAuth, settings: LazySettings) -> None:
    settings.SUPABASE_SERVICE_KEY = auth.secret_key
    auth.account(EMAIL, PASSWORD)
    sign_in(client := Client())
    assert "ask an operator" not in client.get("/accounts/delete/").content.decode()
    client.post("/accounts/delete/", {"email": EMAIL})
    assert auth.state.accounts == {}
    assert not User.objects.exists()


def test_what_stays_at_supabase_is_said(auth: SupabaseAuth) -> None:
    auth.account(EMAIL, PASSWORD)
    sign_in(client := Client())
    assert "ask an operator" in client.get("/accounts/delete/").content.decode()
    answer = client.post("/accounts/delete/", {"email": EMAIL}, follow=True)
    assert "did not go with it" in answer.content.decode()
    assert len(auth.state.accounts) == 1
    assert not User.objects.exists()
