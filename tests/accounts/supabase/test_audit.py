"""What is done at Supabase stands in the log as well: who, what, when, from where."""

from __future__ import annotations

import pytest
from django.test import Client

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from tests.standins.supabase_auth import SupabaseAuth, code_at

from .supabase_browser import EMAIL, PASSWORD, enrol, follow, sign_in

pytestmark = pytest.mark.django_db
NEW = "another good passphrase"


@pytest.fixture
def before(signed_in: Client) -> int:
    return int(AuditEvent.objects.latest("pk").pk)


def said(after: int = 0) -> list[str]:
    events = AuditEvent.objects.filter(pk__gt=after).order_by("pk")
    assert {event.address for event in events} <= {"127.0.0.1"}
    assert not any(secret in str(list(events.values())) for secret in (PASSWORD, NEW))
    return [event.action for event in events]


def test_sign_up_and_sign_in(auth: SupabaseAuth, client: Client) -> None:
    client.post("/sign-up/", {"email": EMAIL, "password": PASSWORD})
    assert said() == []
    wrong = {"email": EMAIL, "code": "000000x"}
    client.post("/accounts/code/", wrong)
    client.post("/accounts/code/", {"email": EMAIL, "code": auth.mail_to(EMAIL).code})
    client.post("/sign-out/")
    sign_in(client, password="guessed")
    sign_in(client)
    client.post("/sign-out/", {"scope": "everywhere"})
    assert said() == [
        "code-failed",
        "account-made",
        "signed-in",
        "signed-out",
        "sign-in-failed",
        "signed-in",
        "signed-out-everywhere",
    ]
    ways = AuditEvent.objects.filter(action="signed-in").order_by("pk")
    assert [event.detail["by"] for event in ways] == ["otp", "password"]


def test_a_password(auth: SupabaseAuth, signed_in: Client, before: int) -> None:
    for current in ("guessed", PASSWORD):
        signed_in.post("/accounts/password/", {"current": current, "password": NEW})
    assert said(before) == ["password-failed", "password-changed"]


def test_a_change_of_address(auth: SupabaseAuth, signed_in: Client, before: int) -> None:
    me = User.objects.get()
    signed_in.post("/accounts/email/", {"email": "new@example.com"})
    assert said(before) == ["email-change-asked"]
    follow(signed_in, auth.mail_to(EMAIL).link)
    assert said(before) == ["email-change-asked"]
    given = {"token_hash": auth.mail_to("new@example.com").token_hash, "type": "email_change"}
    signed_in.post("/accounts/confirm/", given)
    assert said(before)[:2] == ["email-change-asked", "email-changed"]
    response, changed = AuditEvent.objects.filter(pk__gt=before).order_by("pk")[:2]
    assert (response.owner_id, response.detail) == (me.pk, {"to": "new@example.com"})
    assert (changed.owner_id, changed.detail) == (me.pk, {"email": "new@example.com"})


def test_a_second_factor(auth: SupabaseAuth, signed_in: Client, before: int) -> None:
    factor, secret = enrol(signed_in)
    assert said(before) == ["second-factor-on", "second-factor-passed"]
    sign_in(other := Client())
    other.post("/accounts/second-factor/", {"factor": factor, "code": "12345x"})
    other.post("/accounts/second-factor/", {"factor": factor, "code": wrong_code(secret)})
    other.post("/accounts/second-factor/", {"factor": factor, "code": code_at(secret)})
    signed_in.post(f"/accounts/second-factor/{factor}/remove/")
    assert said(before)[2:] == [
        "signed-in",
        "second-factor-failed",
        "second-factor-passed",
        "second-factor-removed",
    ]
    assert secret not in str(list(AuditEvent.objects.values()))


def wrong_code(secret: str) -> str:
    return str((int(code_at(secret)) + 500_000) % 1_000_000).zfill(6)


def test_recovery(auth: SupabaseAuth, browser: Client) -> None:
    browser.post("/accounts/recovery/", {"email": EMAIL})
    given = {"email": EMAIL, "code": auth.mail_to(EMAIL).code, "kind": "recovery"}
    browser.post("/accounts/code/", given)
    browser.post("/accounts/password/", {"password": NEW})
    assert said() == ["account-made", "signed-in", "password-changed"]
