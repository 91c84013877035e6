from __future__ import annotations

import pytest
from django.test import Client

from agentforge.accounts.models import SignIn
from tests.standins.supabase_auth import SupabaseAuth

from .supabase_browser import EMAIL, is_signed_in, row, sign_in, words

pytestmark = pytest.mark.django_db
PAGE = "/accounts/identities/"


def test_a_linked_way_to_sign_in_is_unlinked(auth: SupabaseAuth, signed_in: Client) -> None:
    [account] = auth.state.accounts.values()
    account.providers.append("github")
    page = signed_in.get(PAGE)
    assert "GitHub" in words(page)
    assert EMAIL in words(page)
    github = next(one.id for one in page.context["identities"] if one.label == "GitHub")
    answer = signed_in.post(f"{PAGE}{github}/unlink/", follow=True)
    assert "GitHub is unlinked" in words(answer)
    assert account.providers == ["email"]
    again = signed_in.post(f"{PAGE}{github}/unlink/", follow=True)
    assert "not linked any more" in words(again)


def test_the_only_way_stays(auth: SupabaseAuth, signed_in: Client) -> None:
    page = signed_in.get(PAGE)
    only = page.context["identities"][0].id
    assert "Unlink" not in words(page)
    answer = signed_in.post(f"{PAGE}{only}/unlink/", follow=True)
    assert "your only way to sign in" in words(answer)


def test_sessions_end_at_the_service_too(auth: SupabaseAuth, signed_in: Client) -> None:
    second, third = Client(), Client()
    sign_in(second)
    sign_in(third)
    assert len(auth.state.sessions) == 3
    signed_in.post(f"/accounts/sessions/{row(second).pk}/end/")
    assert not is_signed_in(second)
    assert len(auth.state.sessions) == 2
    signed_in.post("/accounts/sessions/end-others/")
    assert not is_signed_in(third)
    assert len(auth.state.sessions) == 1
    assert is_signed_in(signed_in)


def test_a_session_ends_here_while_the_service_is_away(auth: SupabaseAuth, signed_in: Client) -> None:
    second = Client()
    sign_in(second)
    auth.stop()
    answer = signed_in.post(f"/accounts/sessions/{row(second).pk}/end/", follow=True)
    assert "It is signed out here" in words(answer)
    assert SignIn.objects.count() == 1
