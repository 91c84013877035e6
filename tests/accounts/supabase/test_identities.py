from __future__ import annotations

import pytest
from django.test import Client

from agentforge.accounts.models import SignIn
from agentforge.audit.models import AuditEvent
from tests.standins.supabase_auth import SupabaseAuth

from .supabase_browser import EMAIL, claims, follow, is_signed_in, row, sign_in, words

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


def begin_to_link(client: Client) -> str:
    page = client.post(f"{PAGE}with/github/")
    assert page.status_code == 200
    url: str = page.context["url"]
    return url


def test_a_further_way_to_sign_in_is_linked(auth: SupabaseAuth, signed_in: Client) -> None:
    assert "Link GitHub" in words(signed_in.get(PAGE))
    session = claims(signed_in)["session_id"]
    answer = follow(signed_in, begin_to_link(signed_in))
    assert answer["Location"] == PAGE
    page = words(signed_in.get(PAGE))
    assert "GitHub is linked" in page
    assert "Link GitHub" not in page
    [account] = auth.state.accounts.values()
    assert account.providers == ["email", "github"]
    assert claims(signed_in)["session_id"] == session, "the person stays signed in as before"
    assert list(auth.state.sessions) == [session]
    assert AuditEvent.objects.filter(action="identity-linked").count() == 1


def test_what_another_account_has_is_not_linked(auth: SupabaseAuth, signed_in: Client) -> None:
    auth.account("octo@example.com").providers.append("github")
    answer = follow(signed_in, begin_to_link(signed_in))
    assert answer["Location"] == PAGE
    assert "belongs to an account already" in words(signed_in.get(PAGE))
    assert is_signed_in(signed_in)


def test_a_project_without_linking_says_so(auth: SupabaseAuth, signed_in: Client) -> None:
    auth.manual_linking = False
    answer = signed_in.post(f"{PAGE}with/github/", follow=True)
    assert "Linking by hand is turned off here" in words(answer)
    assert is_signed_in(signed_in)


def test_a_provider_that_is_not_offered_is_not_linked(auth: SupabaseAuth, signed_in: Client) -> None:
    assert signed_in.post(f"{PAGE}with/google/").status_code == 404
    auth.providers = []
    answer = signed_in.post(f"{PAGE}with/github/", follow=True)
    assert "is turned off" in words(answer)


def test_a_link_that_another_browser_began_links_nothing_here(auth: SupabaseAuth, signed_in: Client) -> None:
    auth.account("mallory@example.com", "mallory's own password")
    mallory = Client()
    sign_in(mallory, "mallory@example.com", "mallory's own password")
    answer = follow(signed_in, begin_to_link(mallory))
    assert answer.status_code == 302
    unchanged = auth.state.by_email(EMAIL)
    assert unchanged is not None
    assert unchanged.providers == ["email"]
    assert "GitHub is linked" not in words(signed_in.get(PAGE))


def test_who_signed_out_meanwhile_is_not_signed_in(auth: SupabaseAuth, signed_in: Client) -> None:
    url = begin_to_link(signed_in)
    SignIn.objects.all().delete()
    follow(signed_in, url)
    assert not is_signed_in(signed_in)


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
