from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.models import User
from tests.standins.supabase_auth import SupabaseAuth, code_at

from .supabase_browser import EMAIL, PASSWORD, claims, enrol, row, sign_in, words

pytestmark = pytest.mark.django_db


def test_enrolment_shows_the_secret_once(auth: SupabaseAuth, signed_in: Client) -> None:
    page = signed_in.post("/accounts/second-factor/enrol/")
    assert page.context["secret"] in words(page)
    assert unquote(page.context["uri"]).startswith("otpauth://totp/AgentForge:alice@example.com?")
    kind, _, picture = page.context["picture"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert b"<svg" in base64.b64decode(picture)
    assert "no-store" in page["Cache-Control"]
    given = {"factor": str(page.context["form"]["factor"].value()), "code": "123"}
    again = signed_in.post("/accounts/second-factor/finish/", given)
    assert again.status_code == 422
    assert page.context["secret"] not in words(again)


def test_a_wrong_code_turns_nothing_on(auth: SupabaseAuth, signed_in: Client) -> None:
    page = signed_in.post("/accounts/second-factor/enrol/")
    secret = page.context["secret"]
    wrong = next(code for code in ("000000", "111111", "222222", "333333") if code not in near(secret))
    given = {"factor": str(page.context["form"]["factor"].value()), "code": wrong}
    answer = signed_in.post("/accounts/second-factor/finish/", given)
    assert answer.status_code == 422
    assert "The code is not right" in words(answer)
    assert claims(signed_in)["aal"] == "aal1"
    assert not User.objects.get().has_second_factor


def near(secret: str) -> set[str]:
    import time

    return {code_at(secret, time.time() + shift) for shift in (-60, -30, 0, 30, 60)}


def test_an_unfinished_enrolment_is_begun_again(auth: SupabaseAuth, signed_in: Client) -> None:
    signed_in.post("/accounts/second-factor/enrol/")
    enrol(signed_in)
    [account] = auth.state.accounts.values()
    assert [factor.status for factor in account.factors.values()] == ["verified"]
    assert claims(signed_in)["aal"] == "aal2"


def test_the_vault_asks_for_it(auth: SupabaseAuth, signed_in: Client) -> None:
    path = "/agents/1/keys/"
    assert signed_in.get(path).status_code == 404, "there is no such agent, and nothing is asked"
    _, secret = enrol(signed_in)
    assert signed_in.get(path).status_code == 404
    other = Client()
    sign_in(other)
    answer = other.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/second-factor/?next={path}")
    assert other.post(path, headers={"Accept": "application/json"}).status_code == 403
    hx = other.post(path, headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/agents/1/"})
    assert (hx.status_code, hx["HX-Redirect"]) == (403, "/accounts/second-factor/?next=/agents/1/")
    page = other.get(f"/accounts/second-factor/?next={path}")
    given = {"factor": page.context["form"]["factor"].value(), "code": code_at(secret), "next": path}
    answer = other.post("/accounts/second-factor/", given)
    assert (answer.status_code, answer["Location"]) == (302, path)
    assert other.get(path).status_code == 404
    assert claims(other)["aal"] == "aal2"


def test_scripts_are_asked_too(auth: SupabaseAuth, signed_in: Client) -> None:
    weak = row(signed_in).access_token
    enrol(signed_in)
    strong = row(signed_in).access_token
    for token, status in ((weak, 403), (strong, 404)):
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        assert Client(headers=headers).get("/agents/1/keys/").status_code == status


def test_the_administration_asks_for_it(auth: SupabaseAuth, signed_in: Client) -> None:
    enrol(signed_in)
    sign_in(other := Client())
    answer = other.get("/admin/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/second-factor/?next=/admin/")
    assert "second-factor" not in signed_in.get("/admin/").headers.get("Location", "")


def test_settings_say_where_it_is_asked(
    auth: SupabaseAuth, signed_in: Client, settings: LazySettings
) -> None:
    settings.SECOND_FACTOR_PATHS = [r"^/agents/$"]
    _, secret = enrol(signed_in)
    other = Client()
    sign_in(other)
    assert other.get("/agents/1/keys/").status_code == 404
    assert other.get("/agents/").status_code == 302
    settings.SECOND_FACTOR_PATHS = ["^/"]
    assert other.get("/agents/1/keys/").status_code == 302
    factor = other.get("/accounts/second-factor/").context["form"]["factor"].value()
    other.post("/accounts/second-factor/", {"factor": factor, "code": code_at(secret)})
    assert other.get("/agents/").status_code == 200
    sign_in(third := Client())
    assert third.post("/sign-out/")["Location"] == "/sign-in/"


def test_removal_needs_it(auth: SupabaseAuth, signed_in: Client) -> None:
    factor, _ = enrol(signed_in)
    other = Client()
    sign_in(other)
    path = f"/accounts/second-factor/{factor}/remove/"
    answer = other.post(path, follow=True)
    assert "Pass your second factor first" in words(answer)
    assert User.objects.get(email=EMAIL).has_second_factor
    answer = signed_in.post(path, follow=True)
    assert "The authenticator is removed" in words(answer)
    assert not User.objects.get(email=EMAIL).has_second_factor


def test_a_factor_enrolled_elsewhere_is_learnt_at_sign_in(auth: SupabaseAuth, signed_in: Client) -> None:
    enrol(signed_in)
    User.objects.update(has_second_factor=False)
    sign_in(Client())
    assert User.objects.get().has_second_factor


def test_guesses_are_limited(auth: SupabaseAuth, signed_in: Client) -> None:
    _, secret = enrol(signed_in)
    other = Client()
    sign_in(other)
    factor = other.get("/accounts/second-factor/").context["form"]["factor"].value()
    wrong = next(code for code in ("000000", "111111", "222222", "333333") if code not in near(secret))
    statuses = [
        other.post("/accounts/second-factor/", {"factor": factor, "code": wrong}).status_code
        for _ in range(11)
    ]
    assert statuses == [422] * 10 + [429]


def test_a_script_that_passes_it_gets_the_stronger_tokens(auth: SupabaseAuth, signed_in: Client) -> None:
    factor, secret = enrol(signed_in)
    accept = {"Accept": "application/json"}
    script = Client(enforce_csrf_checks=True)

    def send(path: str, content: dict[str, str], token: str = "") -> Any:
        headers = {**accept, **({"Authorization": f"Bearer {token}"} if token else {})}
        return script.post(path, content, content_type="application/json", headers=headers).json()

    weak = send("/sign-in/", {"email": EMAIL, "password": PASSWORD})["tokens"]["access_token"]
    path = "/agents/1/keys/"
    assert script.get(path, headers={**accept, "Authorization": f"Bearer {weak}"}).status_code == 403
    given = {"factor": factor, "code": code_at(secret)}
    strong = send("/accounts/second-factor/", given, weak)["tokens"]["access_token"]
    assert script.get(path, headers={**accept, "Authorization": f"Bearer {strong}"}).status_code == 404


def test_an_api_token_is_not_shown_to_the_service(auth: SupabaseAuth, signed_in: Client) -> None:
    page = signed_in.post("/accounts/tokens/", {"name": "Script", "scope": "read", "days": "30"})
    auth.requests.clear()
    script = Client(
        headers={"Authorization": f"Bearer {page.context['secret']}", "Accept": "application/json"}
    )
    assert script.get("/agents/1/keys/").status_code == 404
    assert script.get("/keys/").status_code == 200
    assert not auth.requests
