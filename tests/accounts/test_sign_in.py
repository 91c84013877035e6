from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.models import LocalIdentity, LocalSession, SignIn, User
from agentforge.accounts.throttling import attempts
from tests.drivers.people import QuickHasher

ClientOf = Callable[[User], Client]
PASSWORD = "correct horse battery"
GIVEN = {"email": "ada@example.com", "password": PASSWORD}

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db: None) -> LocalIdentity:
    Client().post("/sign-up/", GIVEN)
    return LocalIdentity.objects.get()


def test_sign_up_lets_in_then_out_then_in(client: Client) -> None:
    response = client.post("/sign-up/", {"email": " Ada@Example.com ", "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "/agents/")
    assert User.objects.get().email == "ada@example.com"
    response = client.post("/sign-out/")
    assert (response.status_code, response["Location"]) == (302, "/sign-in/")
    assert not LocalSession.objects.exists()
    assert not SignIn.objects.exists()
    response = client.post("/sign-in/?next=/healthz", GIVEN)
    assert (response.status_code, response["Location"]) == (302, "/healthz")


def test_the_form_helps_browsers_and_readers(client: Client) -> None:
    page = client.get("/sign-in/").content.decode()
    for part in ('for="id_email"', 'autocomplete="username"', 'autocomplete="current-password"'):
        assert part in page
    assert 'autocomplete="new-password"' in client.get("/sign-up/").content.decode()


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("email", "", "Enter your e-mail address."),
        ("email", "ada", "Enter a valid email address."),
        ("email", "a" * 10_000 + "@example.com", "at most 254 characters"),
        ("email", "ada\x00@example.com", "Null characters are not allowed."),
        ("email", "ada\u202e@example.com", "Enter a valid email address."),
        ("password", "", "Choose a password."),
        ("password", "short", "too short"),
        ("password", "password1234", "too common"),
        ("password", "ada@example.com", "too similar"),
        ("password", "x" * 257, "at most 256 characters"),
        ("password", "x\x00" * 10, "Null characters are not allowed."),
    ],
)
def test_a_wrong_field_says_why_and_keeps_the_address(
    client: Client, field: str, value: str, reason: str
) -> None:
    response = client.post("/sign-up/", {**GIVEN, field: value})
    page = response.content.decode()
    assert response.status_code == 422
    assert reason in page
    assert f'aria-describedby="id_{field}' in page
    assert 'aria-invalid="true"' in page
    if field == "password":
        assert page.count('value="ada@example.com"') == 1
        assert not value or f'value="{value}"' not in page.replace('value="ada@example.com"', "")
    assert not LocalIdentity.objects.exists()


def test_sign_up_with_a_taken_address_leads_to_sign_in(ada: LocalIdentity) -> None:
    stranger = Client()
    response = stranger.post("/sign-up/", {"email": "ada@example.com", "password": "another good one"})
    assert (response.status_code, response["Location"]) == (302, "/sign-in/")
    page = stranger.get("/sign-in/").content.decode()
    assert 'value="ada@example.com"' in page
    assert "This address has an account. Sign in with its password." in page
    assert stranger.get("/agents/").status_code == 302
    ada.refresh_from_db()
    assert Client().post("/sign-in/", GIVEN).status_code == 302


def test_sign_up_again_with_the_same_password_lets_in(client: Client, ada: LocalIdentity) -> None:
    assert client.post("/sign-up/", GIVEN)["Location"] == "/agents/"
    assert LocalIdentity.objects.count() == 1


def test_unknown_address_and_wrong_password_look_and_cost_the_same(
    client: Client, ada: LocalIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = QuickHasher.verify

    def counted(self: QuickHasher, password: str, encoded: str) -> bool:
        checked.append(password)
        return verify(self, password, encoded)

    monkeypatch.setattr(QuickHasher, "verify", counted)
    wrong = client.post("/sign-in/", {"email": "ada@example.com", "password": "nope"})
    unknown = client.post("/sign-in/", {"email": "eve@example.com", "password": "nope"})
    assert wrong.status_code == unknown.status_code == 422
    assert checked == ["nope", "nope"]
    message = "The e-mail address or the password is not right."
    assert message in wrong.content.decode()
    assert message in unknown.content.decode()


def test_guessing_has_to_pause(client: Client, ada: LocalIdentity) -> None:
    with time_machine.travel("2030-01-01 12:00Z", tick=False) as clock:
        for _ in range(attempts.PER_EMAIL):
            assert client.post("/sign-in/", {**GIVEN, "password": "no"}).status_code == 422
        blocked = client.post("/sign-in/", GIVEN)
        assert blocked.status_code == 429
        assert 0 < int(blocked["Retry-After"]) <= 901
        assert "Too many attempts. Nothing was changed." in blocked.content.decode()
        assert client.post("/sign-in/", {**GIVEN, "email": "bea@example.com"}).status_code == 422
        clock.shift(attempts.WINDOW)
        assert client.post("/sign-in/", GIVEN).status_code == 302


def test_one_network_address_cannot_try_many_accounts(client: Client) -> None:
    for number in range(attempts.PER_ADDRESS):
        response = client.post("/sign-in/", {"email": f"a{number}@example.com", "password": "no"})
        assert response.status_code == 422
    assert client.post("/sign-in/", {"email": "z@example.com", "password": "no"}).status_code == 429
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert elsewhere.post("/sign-in/", {"email": "z@example.com", "password": "no"}).status_code == 422


def test_a_forwarded_address_counts_only_behind_trusted_proxies(settings: LazySettings) -> None:
    from django.test import RequestFactory

    from agentforge.accounts.addresses import client_address

    request = RequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.4"})
    assert client_address(request) == "127.0.0.1"
    settings.TRUSTED_PROXIES = 1
    assert client_address(request) == "198.51.100.4"
    settings.TRUSTED_PROXIES = 3
    assert client_address(request) == "127.0.0.1"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://attacker.example/",
        "//attacker.example/",
        "/\\attacker.example",
        "\\\\attacker.example",
        "https:attacker.example",
        "javascript:alert(1)",
        "///attacker.example",
        "/\t/attacker.example",
        "agents/",
    ],
)
def test_next_stays_on_this_site(client: Client, ada: LocalIdentity, elsewhere: str) -> None:
    response = client.post("/sign-in/", {**GIVEN, "next": elsewhere})
    assert (response.status_code, response["Location"]) == (302, "/agents/")
    response = client.get("/sign-in/", {"next": elsewhere})
    assert (response.status_code, response["Location"]) == (302, "/agents/")


def test_a_session_cannot_be_fixed_beforehand(client: Client, ada: LocalIdentity) -> None:
    session = client.session
    session["planted"] = "yes"
    session.save()
    before = session.session_key
    client.post("/sign-in/", GIVEN)
    assert client.cookies["sessionid"].value != before
    assert "planted" not in client.session
    fixed = Client()
    fixed.cookies["sessionid"] = str(before)
    assert fixed.get("/agents/").status_code == 302


def test_forms_need_the_csrf_token(ada: LocalIdentity) -> None:
    strict = Client(enforce_csrf_checks=True)
    for path in ("/sign-in/", "/sign-up/", "/sign-out/"):
        assert strict.post(path, GIVEN).status_code == 403


def test_cookies_are_closed_to_scripts(client: Client, ada: LocalIdentity) -> None:
    client.get("/sign-in/")
    client.post("/sign-in/", GIVEN)
    for name in ("sessionid", "csrftoken"):
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["samesite"] == "Lax"


def test_signed_in_people_need_no_sign_in_page(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    assert client.get("/sign-in/?next=/healthz")["Location"] == "/healthz"
    assert client.get("/sign-up/")["Location"] == "/agents/"


def test_sign_out_everywhere(client_of: ClientOf, alice: User) -> None:
    here, there = client_of(alice), client_of(alice)
    here.post("/sign-out/", {"scope": "everywhere"})
    assert there.get("/agents/").status_code == 302
    assert not LocalSession.objects.exists()


def test_sign_out_here_leaves_the_others(client_of: ClientOf, alice: User) -> None:
    here, there = client_of(alice), client_of(alice)
    here.post("/sign-out/")
    assert here.get("/agents/").status_code == 302
    assert there.get("/sign-in/").status_code == 302


def test_a_disabled_account_looks_like_a_wrong_password(client: Client, ada: LocalIdentity) -> None:
    User.objects.update(is_active=False)
    pages = [client.post("/sign-in/", {**GIVEN, "password": given}) for given in (PASSWORD, "guessed")]
    assert [page.status_code for page in pages] == [422, 422]
    assert all("The e-mail address or the password is not right." in page.content.decode() for page in pages)
    assert client.post("/sign-up/", GIVEN)["Location"] == "/sign-in/", "as any taken address"
    assert client.get("/agents/").status_code == 302
    for _ in range(attempts.PER_EMAIL - 2):
        client.post("/sign-in/", GIVEN)
    assert client.post("/sign-in/", GIVEN).status_code == 429
