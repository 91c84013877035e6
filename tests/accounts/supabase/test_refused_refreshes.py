"""What a browser gets when the service refuses to refresh its tokens, or to sign it out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agentforge.accounts.models import SignIn
from tests.standins.supabase_auth import SupabaseAuth
from tests.standins.supabase_auth.call import Reply

from .supabase_browser import is_signed_in, row, words

pytestmark = pytest.mark.django_db

PUBLIC = (
    "/sign-in/",
    "/sign-up/",
    "/accounts/recovery/",
    "/accounts/callback/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
)
GATEWAY: dict[str, Any] = {"message": "Invalid API key"}


def refusal(status: int, code: str) -> Reply:
    """Return a refusal in the service's form for API versions before 2024."""
    return Reply({"code": status, "error_code": code, "msg": "refused"}, status)


ENDED = [
    refusal(400, "user_banned"),
    refusal(400, "validation_failed"),
    refusal(400, "refresh_token_already_used"),
    refusal(400, "refresh_token_not_found"),
    refusal(400, "session_expired"),
    refusal(403, "unknown"),
    refusal(422, "a_code_of_next_year"),
]
BUSY = [
    refusal(429, "over_request_rate_limit"),
    refusal(409, "conflict"),
    refusal(422, "hook_timeout"),
    refusal(500, "unexpected_failure"),
    Reply(GATEWAY, 401),
    Reply(GATEWAY, 402),
    Reply(GATEWAY, 404),
    Reply(GATEWAY, 408),
    Reply(GATEWAY, 418),
]


def name_of(reply: Reply) -> str:
    return f"{reply.status} {(reply.body or {}).get('error_code', 'gateway')}"


def public_statuses(client: Client) -> dict[str, int]:
    return {path: client.get(path).status_code for path in PUBLIC}


def expire(seconds: int) -> None:
    SignIn.objects.update(expires_at=timezone.now() + timedelta(seconds=seconds))


@pytest.mark.parametrize("reply", ENDED, ids=name_of)
def test_a_refusal_of_the_session_ends_it(reply: Reply, auth: SupabaseAuth, signed_in: Client) -> None:
    auth.replies["/token"] = reply
    expire(20)
    assert signed_in.get("/agents/").status_code == 302
    assert not SignIn.objects.exists()
    assert public_statuses(signed_in) == public_statuses(Client())


@pytest.mark.parametrize("reply", BUSY, ids=name_of)
def test_a_busy_service_ends_no_session(reply: Reply, auth: SupabaseAuth, signed_in: Client) -> None:
    auth.replies["/token"] = reply
    expire(20)
    assert is_signed_in(signed_in)
    expire(-1)
    assert signed_in.get("/agents/").status_code == 503
    assert public_statuses(signed_in) == public_statuses(Client())
    auth.replies.clear()
    assert is_signed_in(signed_in), "the tokens were kept"


def test_a_refusal_of_one_session_pauses_no_other(auth: SupabaseAuth, signed_in: Client) -> None:
    auth.replies["/token"] = refusal(500, "unexpected_failure")
    expire(-1)
    assert signed_in.get("/agents/").status_code == 503
    auth.replies.clear()
    assert signed_in.get("/agents/").status_code == 200


def test_a_banned_person_reads_why(auth: SupabaseAuth, signed_in: Client) -> None:
    [account] = auth.state.accounts.values()
    account.banned = True
    expire(20)
    assert "This account is disabled" in words(signed_in.get("/agents/", follow=True))


@pytest.mark.parametrize("reply", [refusal(403, "user_banned"), Reply(GATEWAY, 401)], ids=name_of)
def test_a_refused_sign_out_holds_here(reply: Reply, auth: SupabaseAuth, signed_in: Client) -> None:
    auth.replies["/logout"] = reply
    bearer = row(signed_in).access_token
    assert "you may still be signed in elsewhere" in words(signed_in.post("/sign-out/", follow=True))
    assert not is_signed_in(signed_in)
    assert Client(headers={"Authorization": f"Bearer {bearer}"}).get("/agents/").status_code == 401


def test_expired_tokens_can_be_signed_out_in_an_outage(auth: SupabaseAuth, signed_in: Client) -> None:
    auth.stop()
    expire(-1)
    answer = signed_in.post("/sign-out/", follow=True)
    assert "you may still be signed in elsewhere" in words(answer)
    assert not SignIn.objects.exists()
