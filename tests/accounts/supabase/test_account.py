from __future__ import annotations

import pytest
from django.test import Client

from agentforge.accounts.models import User
from tests.drivers import people
from tests.standins.supabase_auth import SupabaseAuth

from .supabase_browser import EMAIL, PASSWORD, is_signed_in, row, sign_in, words

pytestmark = pytest.mark.django_db
NEW = "another good passphrase"


def change(client: Client, **given: str) -> tuple[int, str]:
    answer = client.post("/accounts/password/", {"current": PASSWORD, "password": NEW, **given})
    return answer.status_code, words(answer)


def test_a_password_is_changed_and_other_sign_ins_end(auth: SupabaseAuth, signed_in: Client) -> None:
    other = Client()
    sign_in(other)
    bearer = row(signed_in).access_token
    assert change(signed_in)[0] == 302
    assert is_signed_in(signed_in)
    assert not is_signed_in(other)
    assert sign_in(Client()).status_code == 422
    assert sign_in(Client(), password=NEW).status_code == 302
    assert Client(headers={"Authorization": f"Bearer {bearer}"}).get("/agents/").status_code == 200
    live = {session.id for session in auth.state.sessions.values()}
    assert len(live) == 2, "trying the current password leaves no session behind"


def test_the_current_password_is_needed(auth: SupabaseAuth, signed_in: Client) -> None:
    status, page = change(signed_in, current="wrong")
    assert status == 422
    assert "The current password is not right" in page
    assert change(signed_in, current="")[0] == 422
    statuses = [change(signed_in, current="wrong")[0] for _ in range(10)]
    assert statuses[-1] == 429


def test_the_same_password_is_no_change(auth: SupabaseAuth, signed_in: Client) -> None:
    status, page = change(signed_in, password=PASSWORD)
    assert status == 422
    assert "This is your password already" in page


def test_a_project_may_ask_for_the_current_password_itself(auth: SupabaseAuth, signed_in: Client) -> None:
    auth.needs_current_password = True
    assert change(signed_in)[0] == 302


def test_a_project_may_ask_for_a_mailed_code(auth: SupabaseAuth, signed_in: Client) -> None:
    auth.needs_reauthentication = True
    status, page = change(signed_in)
    assert status == 422
    assert "Type its code to go on" in page
    assert change(signed_in, code="wrong")[0] == 422
    assert change(signed_in, code=auth.mail_to(EMAIL).code)[0] == 302


def test_scripts_change_a_password_with_json(auth: SupabaseAuth, signed_in: Client) -> None:
    script = Client(
        headers={"Authorization": f"Bearer {row(signed_in).access_token}", "Accept": "application/json"}
    )
    wrong = script.post("/accounts/password/", {"current": "no", "password": NEW}, "application/json")
    assert wrong.status_code == 422
    assert wrong.json()["errors"] == {"current": ["The current password is not right. Nothing was changed."]}
    right = script.post("/accounts/password/", {"current": PASSWORD, "password": NEW}, "application/json")
    assert right.json()["success"] is True


def test_sign_out_here_ends_this_session_only(auth: SupabaseAuth, signed_in: Client) -> None:
    other = Client()
    sign_in(other)
    bearer = row(signed_in).access_token
    signed_in.post("/sign-out/")
    assert not is_signed_in(signed_in)
    assert is_signed_in(other)
    assert Client(headers={"Authorization": f"Bearer {bearer}"}).get("/agents/").status_code == 401
    assert len(auth.state.sessions) == 1


def test_sign_out_everywhere_ends_all_at_once(auth: SupabaseAuth, signed_in: Client) -> None:
    other = Client()
    sign_in(other)
    signed_in.post("/sign-out/", {"scope": "everywhere"})
    assert not is_signed_in(signed_in)
    assert not is_signed_in(other)
    assert auth.state.sessions == {}
    sign_in(other)
    assert is_signed_in(other), "a new sign-in is not taken for an old one"


def test_the_local_service_offers_what_it_can_do(alice: User) -> None:
    client = Client()
    people.sign_in(client, alice)
    page = words(client.get("/accounts/"))
    assert "Change the password" in page
    assert "Second factor" not in page
    assert "Change the e-mail address" in page
    assert "Sign in by mail" not in words(Client().get("/sign-in/"))
    for path in ("second-factor", "identities", "mail", "code", "confirm", "callback"):
        assert client.get(f"/accounts/{path}/").status_code == 404


def test_the_local_service_changes_passwords(client: Client) -> None:
    client.post("/sign-up/", {"email": EMAIL, "password": PASSWORD})
    other = Client()
    assert sign_in(client).status_code == sign_in(other).status_code == 302
    assert change(client, current="wrong")[0] == 422
    assert change(client)[0] == 302
    assert is_signed_in(client)
    assert not is_signed_in(other)
    assert sign_in(Client(), password=NEW).status_code == 302
