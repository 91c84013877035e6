"""Sign in, up and out as programs do, and as pages must not."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.models import LocalSession, SignIn, User
from agentforge.audit.models import AuditEvent

GIVEN = {"email": "ada@example.com", "password": "correct horse battery"}
ACCEPT = {"Accept": "application/json"}
# Each is what a browser adds by itself to what a page's script sends.
OF_PAGES = [
    {"Origin": "https://testserver"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Mode": "cors"},
]

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> Client:
    """A program without anything; CSRF is checked as in production."""
    return Client(enforce_csrf_checks=True)


def send(client: Client, path: str, content: Any, **headers: str) -> Any:
    return client.post(path, content, content_type="application/json", headers={**ACCEPT, **headers})


def bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {**ACCEPT, "Authorization": f"Bearer {tokens['access_token']}"}


def test_a_program_gets_tokens_and_no_cookie(program: Client) -> None:
    created = send(program, "/sign-up/", GIVEN)
    assert (created.status_code, created.json()["success"], created.json()["errors"]) == (200, True, {})
    assert "sessionid" not in created.cookies
    assert "no-store" in created["Cache-Control"]
    assert program.get("/agents/", headers=bearer(created.json()["tokens"])).status_code == 200
    again = send(Client(enforce_csrf_checks=True), "/sign-in/", GIVEN)
    tokens = again.json()["tokens"]
    assert tokens["token_type"] == "bearer"
    assert program.get("/agents/", headers=bearer(tokens)).status_code == 200
    assert not SignIn.objects.exists()
    assert User.objects.get().last_login is not None
    message = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(message) == ["account-made", "signed-in", "signed-in"]


@pytest.mark.parametrize(
    ("path", "content", "wrong"),
    [
        ("/sign-in/", {}, ["email", "password"]),
        ("/sign-in/", {**GIVEN, "email": 5}, ["email"]),
        ("/sign-in/", GIVEN, ["__all__"]),
        ("/sign-up/", {**GIVEN, "password": "short"}, ["password"]),
        ("/sign-up/", {**GIVEN, "password": "\ud800" * 12}, ["__all__"]),
        ("/accounts/token/", {}, ["refresh_token"]),
        ("/accounts/token/", {"refresh_token": "x"}, ["refresh_token"]),
    ],
)
def test_what_is_wrong_is_said_by_field(program: Client, path: str, content: Any, wrong: list[str]) -> None:
    answer = send(program, path, content)
    assert (answer.status_code, answer.json()["success"]) == (422, False)
    assert sorted(answer.json()["errors"]) == wrong
    assert not LocalSession.objects.exists()


def test_a_taken_address_is_said(program: Client) -> None:
    send(program, "/sign-up/", GIVEN)
    taken = send(Client(), "/sign-up/", {**GIVEN, "password": "another good one"})
    assert (taken.status_code, list(taken.json()["errors"])) == (422, ["email"])
    assert "tokens" not in taken.json()


def test_guessing_has_to_pause_for_programs_too(program: Client) -> None:
    send(program, "/sign-up/", GIVEN)
    answers = [send(Client(), "/sign-in/", {**GIVEN, "password": "guess"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert int(answers[-1]["Retry-After"]) > 0


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-up/"])
@pytest.mark.parametrize("headers", OF_PAGES)
def test_a_page_without_its_csrf_token_signs_nobody_in(
    program: Client, headers: dict[str, str], path: str
) -> None:
    refused = send(program, path, GIVEN, **headers)
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    assert "sessionid" not in refused.cookies
    assert not LocalSession.objects.exists()


def test_a_form_without_its_csrf_token_signs_nobody_in(program: Client) -> None:
    for content_type in (
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
    ):
        assert program.post("/sign-in/", "email=a", content_type=content_type).status_code == 403
    program.cookies["sessionid"] = "of-a-visitor"
    assert send(program, "/sign-in/", GIVEN).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_pages_script_gets_a_cookie_and_no_token(program: Client, headers: dict[str, str]) -> None:
    send(Client(), "/sign-up/", GIVEN)
    program.get("/sign-in/")
    csrf = {"X-CSRFToken": program.cookies["csrftoken"].value, **headers}
    answer = send(program, "/sign-in/", GIVEN, **csrf)
    assert (answer.status_code, answer.json()["tokens"]) == (200, None)
    assert answer.cookies["sessionid"]["httponly"]
    row = SignIn.objects.get()
    assert row.access_token not in answer.content.decode()
    assert program.get("/agents/", headers=ACCEPT).status_code == 200
    out = send(program, "/sign-out/", {}, **{"X-CSRFToken": program.cookies["csrftoken"].value})
    assert (out.status_code, out.json()["success"]) == (200, True)
    assert program.get("/agents/", headers=ACCEPT).status_code == 401


def test_refresh_tokens_rotate_and_one_spent_twice_ends_all(program: Client, settings: LazySettings) -> None:
    first = send(program, "/sign-up/", GIVEN).json()["tokens"]
    second = send(program, "/accounts/token/", {"refresh_token": first["refresh_token"]}).json()["tokens"]
    assert second["refresh_token"] != first["refresh_token"]
    third = send(program, "/accounts/token/", {"refresh_token": second["refresh_token"]}).json()["tokens"]
    assert program.get("/agents/", headers=bearer(third)).status_code == 200
    stolen = send(program, "/accounts/token/", {"refresh_token": first["refresh_token"]})
    assert (stolen.status_code, list(stolen.json()["errors"])) == (422, ["refresh_token"])
    assert program.get("/agents/", headers=bearer(third)).status_code == 401


@pytest.mark.parametrize("headers", OF_PAGES)
def test_pages_are_given_no_tokens_for_a_refresh_token(program: Client, headers: dict[str, str]) -> None:
    given = send(program, "/sign-up/", GIVEN).json()["tokens"]["refresh_token"]
    assert send(program, "/accounts/token/", {"refresh_token": given}, **headers).status_code == 403
    assert send(program, "/accounts/token/", {"refresh_token": given}).status_code == 200


@pytest.mark.parametrize("scope", ["", "everywhere"])
def test_a_program_signs_out(program: Client, scope: str) -> None:
    one = send(program, "/sign-up/", GIVEN).json()["tokens"]
    other = send(program, "/sign-in/", GIVEN).json()["tokens"]
    out = send(program, "/sign-out/", {"scope": scope}, Authorization=bearer(one)["Authorization"])
    assert (out.status_code, out.json()["success"]) == (200, True)
    assert program.get("/agents/", headers=bearer(one)).status_code == 401
    assert program.get("/agents/", headers=bearer(other)).status_code == (401 if scope else 200)


def test_a_form_never_gets_tokens(program: Client) -> None:
    send(program, "/sign-up/", GIVEN)
    browser = Client()
    answer = browser.post("/sign-in/", GIVEN, headers=ACCEPT)
    assert (answer.status_code, answer.json()["tokens"]) == (200, None)
