from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from agentforge.accounts.identity.local import LocalIdentityService
from agentforge.accounts.models import LocalIdentity, User
from agentforge.accounts.scope import user_of
from tests.drivers import people

from . import forged_tokens

ClientOf = Callable[[User], Client]
PAGE = "/sign-in/?next=/healthz"


def strict(bearer: str) -> Client:
    return Client(enforce_csrf_checks=True, headers={"Authorization": bearer})


def test_a_bearer_token_signs_in_without_a_cookie(alice: User) -> None:
    response = strict(people.bearer_of(alice)).get(PAGE)
    assert (response.status_code, response["Location"]) == (302, "/healthz")
    assert "sessionid" not in response.cookies


def test_bearer_requests_need_no_csrf_token_and_cookies_do(client_of: ClientOf, alice: User) -> None:
    assert strict(people.bearer_of(alice)).post("/sign-out/").status_code == 302
    browser = Client(enforce_csrf_checks=True)
    people.sign_in(browser, alice)
    assert browser.post("/sign-out/").status_code == 403
    assert browser.post("/sign-out/", headers={"Authorization": "Basic YTpi"}).status_code == 403


@pytest.mark.parametrize("name", forged_tokens.corpus())
@pytest.mark.django_db
def test_forged_bearers_are_401_in_the_same_words(name: str) -> None:
    token = forged_tokens.corpus()[name].replace("\n", "").replace("é", "e")
    response = Client(headers={"Authorization": f"Bearer {token}"}).get("/agents/")
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert response.json() == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "The access token is not valid.",
    }


def test_a_bad_bearer_does_not_fall_back_to_a_good_cookie(client_of: ClientOf, alice: User) -> None:
    assert client_of(alice).get(PAGE, headers={"Authorization": "bearer x"}).status_code == 401


@pytest.mark.django_db
def test_a_user_is_made_on_first_sight_and_follows_the_address() -> None:
    identity = LocalIdentity.objects.create(email="ada@example.com", password="!")
    bearer = f"Bearer {LocalIdentityService().start_session(identity).access_token}"
    strict(bearer).get("/healthz")
    assert User.objects.get().pk == identity.pk
    LocalIdentity.objects.update(email="ada@example.org")
    identity.refresh_from_db()
    strict(f"Bearer {LocalIdentityService().start_session(identity).access_token}").get("/healthz")
    assert User.objects.get().email == "ada@example.org"


@pytest.mark.django_db
def test_an_address_that_moved_to_another_person_is_theirs() -> None:
    former = User.objects.create(email="ada@example.com", is_staff=True)
    created = User.objects.get_or_create_for_identity(user_id=uuid.uuid4(), email="ada@example.com")
    former.refresh_from_db()
    assert created.email == "ada@example.com"
    assert not created.is_staff
    assert former.email == f"{former.pk}@former.invalid"


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["", "a\x00@example.com", "x" * 300])
def test_people_without_a_usable_address_get_in(email: str) -> None:
    first, second = uuid.uuid4(), uuid.uuid4()
    for user_id in (first, second):
        user = User.objects.get_or_create_for_identity(user_id=user_id, email=email)
        assert user.email == f"{user_id}@users.invalid"


def test_scripts_are_told_to_sign_in_and_pages_are_led_there(client: Client, db: None) -> None:
    reply = client.get("/agents/?page=2", headers={"Accept": "application/json"})
    assert (reply.status_code, reply["Content-Type"]) == (401, "application/problem+json")
    page = client.get("/agents/?page=2")
    assert (page.status_code, page["Location"]) == (302, "/sign-in/?next=/agents/%3Fpage%3D2")
    posted = client.post("/agents/new/")
    assert (posted.status_code, posted["Location"]) == (302, "/sign-in/")
    partial = client.get(
        "/agents/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/agents/7/keys/?a=1"}
    )
    assert (partial.status_code, partial["HX-Redirect"]) == (401, "/sign-in/?next=/agents/7/keys/%3Fa%3D1")


def test_the_user_of_a_live_connection(client_of: ClientOf, alice: User) -> None:
    cookie = client_of(alice).cookies["sessionid"].value.encode()
    bearer = people.bearer_of(alice).encode()
    good = (b"cookie", b"csrftoken=x; sessionid=" + cookie)
    assert user_of({"headers": [good]}) == alice
    assert user_of({"headers": [(b"authorization", bearer)]}) == alice
    assert user_of({"headers": [good, (b"authorization", b"Bearer x")]}) is None
    for header in ((b"cookie", b"sessionid=x"), (b"cookie", b"\xff="), (b"authorization", b"Basic x")):
        assert user_of({"headers": [header]}) is None
    assert user_of({"headers": []}) is None
    User.objects.update(is_active=False)
    assert user_of({"headers": [good]}) is None
    assert user_of({"headers": [(b"authorization", bearer)]}) is None
