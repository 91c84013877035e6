"""Second factors that can't be asked for here, or that changed elsewhere; users without an address."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.models import User
from tests.standins.supabase_auth import SupabaseAuth, code_at
from tests.standins.supabase_auth.call import Reply
from tests.standins.supabase_auth.state import Factor

from .supabase_browser import PASSWORD, enrol, row, sign_in, words

pytestmark = pytest.mark.django_db
PAGE = "/accounts/second-factor/"


@pytest.mark.parametrize(("kind", "name"), [("phone", "Phone"), ("webauthn", "Security key")])
def test_a_factor_that_is_no_app_locks_nobody_out(
    kind: str, name: str, auth: SupabaseAuth, browser: Client
) -> None:
    [account] = auth.state.accounts.values()
    account.factors["f"] = Factor("", status="verified", kind=kind)
    sign_in(browser)
    assert not User.objects.get().has_second_factor
    assert browser.get("/keys/").status_code == 200
    assert browser.get("/accounts/password/").status_code == 200
    page = words(browser.get(PAGE))
    assert name in page
    assert "can't be asked for here" in page
    assert "Set up an authenticator app" in page


def test_a_factor_that_an_operator_removed_is_not_asked_for(auth: SupabaseAuth, signed_in: Client) -> None:
    enrol(signed_in)
    other = Client()
    sign_in(other)
    asked = other.get("/keys/")["Location"]
    [account] = auth.state.accounts.values()
    account.factors.clear()
    answer = other.get(asked)
    assert (answer.status_code, answer["Location"]) == (302, "/keys/")
    page = other.get("/keys/")
    assert page.status_code == 200
    assert "no authenticator app any more" in words(page)


def test_a_code_for_a_removed_factor_leads_on(auth: SupabaseAuth, signed_in: Client) -> None:
    factor, secret = enrol(signed_in)
    other = Client()
    sign_in(other)
    [account] = auth.state.accounts.values()
    account.factors.clear()
    answer = other.post(PAGE, {"factor": factor, "code": code_at(secret), "next": "/keys/"})
    assert answer["Location"] == "/keys/"
    assert other.get("/keys/").status_code == 200


def test_a_mistyped_first_code_keeps_picture_and_secret(auth: SupabaseAuth, signed_in: Client) -> None:
    page = signed_in.post(f"{PAGE}enrol/")
    secret, picture = page.context["secret"], page.context["picture"]
    given = {"factor": page.context["form"]["factor"].value(), "enrolment": page.context["enrolment"]}
    for wrong in ("12345", "000000"):
        again = signed_in.post(f"{PAGE}finish/", {**given, "code": wrong})
        assert again.status_code == 422
        assert secret in words(again)
        assert picture in words(again)
        assert "img-src 'self' data:" in again["Content-Security-Policy"]
    forged = signed_in.post(
        f"{PAGE}finish/", {**given, "code": "000000", "enrolment": given["enrolment"] + "x"}
    )
    assert forged.status_code == 422
    assert "<img" not in words(forged).partition("<main")[2]
    done = signed_in.post(f"{PAGE}finish/", {**given, "code": code_at(secret)})
    assert done.status_code == 302


@pytest.mark.parametrize("code", ["mfa_totp_enroll_not_enabled", "too_many_enrolled_mfa_factors"])
def test_a_refused_enrolment_says_why(code: str, auth: SupabaseAuth, signed_in: Client) -> None:
    auth.replies["/factors"] = Reply({"code": 422, "error_code": code, "msg": "refused"}, 422)
    page = words(signed_in.post(f"{PAGE}enrol/", follow=True))
    assert "authenticator" in page.lower()
    assert "The identity service refused this" not in page


@pytest.mark.parametrize("values", [{"is_anonymous": True}, {"is_anonymous": True, "email": "a@b.c"}, {}])
def test_users_without_an_address_are_refused(
    values: dict[str, object], auth: SupabaseAuth, signed_in: Client, settings: LazySettings
) -> None:
    claims = auth.keys.verify(row(signed_in).access_token)
    token = auth.keys.sign({**claims, "email": "", **values})
    bearer = Client(headers={"Authorization": f"Bearer {token}"})
    refused = bearer.get("/agents/")
    assert refused.status_code == 401
    assert "Users without an e-mail address are not served here" in words(refused)
    settings.SUPABASE_USERS_WITHOUT_EMAIL = True
    assert bearer.get("/agents/").status_code == 200


def test_much_metadata_makes_long_tokens(auth: SupabaseAuth, browser: Client) -> None:
    [account] = auth.state.accounts.values()
    account.user_metadata = {"much": "x" * 7000}
    assert sign_in(browser, password=PASSWORD).status_code == 302
    assert len(row(browser).access_token) > 8192
    assert browser.get("/agents/").status_code == 200
