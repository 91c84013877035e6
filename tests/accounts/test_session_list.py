"""The list of sessions: every browser shows up, and can be signed out from any other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from agentforge.accounts.models import SignIn, User
from tests.drivers import people

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1"
)
GIVEN = {"email": "ada@example.com", "password": "correct horse battery"}
PAGE = "/accounts/sessions/"


@pytest.fixture
def browsers(db: None) -> tuple[Client, Client]:
    first, second = Client(headers={"User-Agent": FIREFOX}), Client(headers={"User-Agent": IPHONE})
    first.post("/sign-up/", GIVEN)
    second.post("/sign-in/", GIVEN)
    return first, second


def row_of(client: Client) -> SignIn:
    return SignIn.objects.get(pk=client.session["sign_in"])


def test_every_browser_is_listed(browsers: tuple[Client, Client]) -> None:
    page = browsers[0].get(PAGE).content.decode()
    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    assert page.count("This browser") == 1
    assert page.count("127.0.0.1") == 2
    listed = browsers[0].get(PAGE, headers={"Accept": "application/json"}).json()["sessions"]
    assert [one["is_current"] for one in listed].count(True) == 1
    assert row_of(browsers[1]).access_token not in str(listed)


def test_one_is_signed_out(browsers: tuple[Client, Client]) -> None:
    first, second = browsers
    bearer = {"Authorization": f"Bearer {row_of(second).access_token}"}
    answer = first.post(f"{PAGE}{row_of(second).pk}/end/", follow=True)
    assert "That browser is signed out" in answer.content.decode()
    assert second.get("/agents/").status_code == 302
    assert Client(headers=bearer).get("/agents/").status_code == 401
    assert first.get("/agents/").status_code == 200


def test_all_others_are_signed_out(browsers: tuple[Client, Client]) -> None:
    first, second = browsers
    script = Client(enforce_csrf_checks=True)
    tokens = script.post(
        "/sign-in/", GIVEN, "application/json", headers={"Accept": "application/json"}
    ).json()
    bearer = {"Authorization": f"Bearer {tokens['tokens']['access_token']}"}
    assert Client(headers=bearer).get("/agents/").status_code == 200
    first.post(f"{PAGE}end-others/")
    assert second.get("/agents/").status_code == 302
    assert Client(headers=bearer).get("/agents/").status_code == 401
    assert first.get("/agents/").status_code == 200


def test_nobody_ends_anothers_session(browsers: tuple[Client, Client], bob: User) -> None:
    stranger = Client()
    people.sign_in(stranger, bob)
    mine = row_of(browsers[0])
    assert stranger.post(f"{PAGE}{mine.pk}/end/").status_code == 404
    stranger.post(f"{PAGE}end-others/")
    assert browsers[0].get("/agents/").status_code == 200
    assert "Firefox" not in stranger.get(PAGE).content.decode()


def test_the_list_says_when_a_browser_was_seen(browsers: tuple[Client, Client]) -> None:
    SignIn.objects.update(seen_at=timezone.now() - timedelta(days=3))
    browsers[0].get("/agents/")
    assert timezone.now() - row_of(browsers[0]).seen_at < timedelta(minutes=1)
    assert timezone.now() - row_of(browsers[1]).seen_at > timedelta(days=2)
