"""Visitors who try the forge without an account: what they may, what they keep, and that they go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.db import connections
from django.test import Client
from django.utils import timezone

from agentforge.accounts import guests
from agentforge.accounts.models import LocalIdentity, LocalSession, SignIn, User
from builds.artifacts import storage
from builds.models import Artifact, Build, BuildStatus
from builds.operations import pruning
from builds.services import enqueue_build
from configs.models import AgentConfig, ApiKey
from configs.revisions import create_revision
from deployments.models import Connection
from tests.drivers import people
from tests.drivers.pages import shown
from tests.standins.openai import OpenAIStandIn

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery"
NEW_AGENT = {"name": "Ada", "handle": "ada", "type": "assistant", "version": "0.1.0", "description": "Helps."}
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def welcome(settings: LazySettings) -> None:
    settings.GUEST_MINUTES, settings.MOST_GUESTS, settings.MOST_GUESTS_PER_ADDRESS = 60, 6, 3


def arrive(address: str = "192.0.2.1") -> Client:
    client = Client(REMOTE_ADDR=address)
    client.post("/accounts/guest/")
    return client


@pytest.fixture
def guest() -> Client:
    return arrive()


def user_of(client: Client) -> User:
    return SignIn.objects.get(pk=client.session["sign_in"]).user


def make_agent(client: Client, handle: str = "ada") -> Any:
    return client.post("/agents/new/", {**NEW_AGENT, "handle": handle, "name": handle.title()})


def sign_up(client: Client, email: str = "ada@example.com", **more: str) -> Any:
    return client.post("/sign-up/", {"email": email, "password": PASSWORD, **more}, follow=True)


@pytest.fixture
def later() -> Iterator[Callable[[int], None]]:
    """Return a function that lets minutes pass."""
    with time_machine.travel(timezone.now(), tick=True) as traveller:
        yield lambda minutes: traveller.shift(timedelta(minutes=minutes))


def test_one_press_opens_a_forge_of_ones_own(client: Client) -> None:
    assert "Try it without an account" in shown(client.get("/"))
    page = shown(client.post("/accounts/guest/", follow=True))
    assert "You are a guest" in page
    assert "59 minutes" in page or "1 hour" in page
    assert "Keep everything: sign up" in page
    assert "@" not in page.split("<main", 1)[0].replace("@media", "")
    assert make_agent(client).status_code == 302
    assert "Ada" in shown(client.get("/agents/"))
    # A second press makes no second guest.
    client.post("/accounts/guest/")
    assert User.objects.filter(guest_until__isnull=False).count() == 1


def test_nobody_comes_where_the_operator_allows_none(client: Client, settings: LazySettings) -> None:
    settings.GUEST_MINUTES = 0
    assert "Try it without" not in shown(client.get("/"))
    assert client.post("/accounts/guest/").status_code == 404
    assert not User.objects.exists()


def test_only_a_page_of_this_site_makes_a_guest() -> None:
    assert Client(enforce_csrf_checks=True).post("/accounts/guest/").status_code == 403
    assert not User.objects.exists()


def test_a_guest_sees_no_rows_but_their_own(guest: Client, alice: User) -> None:
    theirs = AgentConfig.objects.create(
        owner=alice, name="Alice's", handle="alices", provider="local", model="m"
    )
    other = arrive("192.0.2.2")
    make_agent(other, "others")
    for agent in AgentConfig.objects.all():
        assert guest.get(f"/agents/{agent.pk}/identity/").status_code == 404
    assert guest.get(f"/agents/{theirs.pk}/identity/").status_code == 404
    page = shown(guest.get("/agents/"))
    assert "Alice" not in page
    assert "Others" not in page
    assert guest.get("/admin/").status_code in (302, 403, 404)


def test_signing_up_keeps_everything(guest: Client, later: Callable[[int], None]) -> None:
    make_agent(guest)
    before = user_of(guest)
    assert "stays: this account becomes yours" in shown(guest.get("/sign-up/"))
    page = shown(sign_up(guest))
    assert "with everything you made" in page
    assert "You are a guest" not in page
    assert "Ada" in shown(guest.get("/agents/"))
    user = User.objects.get(email="ada@example.com")
    assert (user.pk, user.guest_until, user.guest_address) == (before.pk, None, "")
    again = Client()
    again.post("/sign-in/", {"email": "ada@example.com", "password": PASSWORD})
    assert "Ada" in shown(again.get("/agents/"))
    later(120)
    assert guests.remove_ended(timezone.now()) == 0
    assert AgentConfig.objects.filter(owner=user).exists()


@pytest.mark.parametrize("password", [PASSWORD, "another-horse-battery"])
def test_an_address_that_has_an_account_is_named_and_nothing_is_lost(
    guest: Client, alice: User, password: str
) -> None:
    people.set_password(alice, PASSWORD)
    make_agent(guest)
    answer = guest.post("/sign-up/", {"email": "alice@example.com", "password": password})
    assert answer.status_code == 422
    assert "has an account already" in shown(answer)
    assert "You are a guest" in shown(guest.get("/agents/"))
    assert user_of(guest).is_guest
    assert LocalIdentity.objects.filter(email="alice@example.com").count() == 1
    script = guest.post(
        "/sign-up/", {"email": "alice@example.com", "password": password}, "application/json", headers=JSON
    )
    assert script.status_code == 422
    assert user_of(guest).is_guest


def test_signing_in_instead_says_what_it_costs_and_ends_the_visit(guest: Client, alice: User) -> None:
    people.set_password(alice, PASSWORD)
    make_agent(guest)
    visitor = user_of(guest)
    assert "what you made as a guest goes" in shown(guest.get("/sign-in/"))
    assert "is_guest" not in shown(
        guest.post("/sign-in/", {"email": "alice@example.com", "password": "wrong"})
    )
    assert User.objects.filter(pk=visitor.pk, guest_until__gt=timezone.now()).exists()
    guest.post("/sign-in/", {"email": "alice@example.com", "password": PASSWORD})
    assert "Ada" not in shown(guest.get("/agents/"))
    assert guests.remove_ended(timezone.now()) == 1
    assert not User.objects.filter(pk=visitor.pk).exists()
    assert User.objects.filter(pk=alice.pk).exists()


def test_when_the_time_is_over_everything_goes(guest: Client, later: Callable[[int], None]) -> None:
    make_agent(guest)
    visitor, row = user_of(guest), SignIn.objects.get()
    later(59)
    assert guests.remove_ended(timezone.now()) == 0
    assert guest.get("/agents/").status_code == 200
    later(2)
    # Also before the upkeep has come by.
    assert guest.get("/agents/").status_code == 302
    bearer = Client(headers={"Authorization": f"Bearer {row.access_token}"})
    assert bearer.get("/agents/").status_code == 401
    assert "Your visit as a guest is over" in shown(guest.get("/sign-in/"))
    assert guests.remove_ended(timezone.now()) == 1
    assert bearer.get("/agents/").status_code == 401
    for rows in (User, AgentConfig, LocalIdentity, LocalSession, SignIn):
        assert not rows.objects.exists(), rows
    assert not User.objects.filter(pk=visitor.pk).exists()


def test_who_comes_back_after_the_removal_is_told_too(guest: Client, later: Callable[[int], None]) -> None:
    later(61)
    guests.remove_ended(timezone.now())
    assert "Your visit as a guest is over" in shown(guest.get("/agents/", follow=True))


def test_work_under_way_is_cancelled_before_it_goes(guest: Client, later: Callable[[int], None]) -> None:
    make_agent(guest)
    agent = AgentConfig.objects.get()
    AgentConfig.objects.update(provider="local", model="m")
    build = enqueue_build(agent, by=user_of(guest))
    running = enqueue_build(agent, by=user_of(guest))
    Build.objects.filter(pk=running.pk).update(status=BuildStatus.RUNNING)
    later(61)
    assert guests.remove_ended(timezone.now()) == 0
    build.refresh_from_db()
    assert build.status == BuildStatus.CANCELLED
    Build.objects.filter(pk=running.pk).update(status=BuildStatus.CANCELLED)
    assert guests.remove_ended(timezone.now()) == 1
    assert not Build.objects.exists()


def test_a_guest_leaves_at_will(guest: Client) -> None:
    make_agent(guest)
    page = shown(guest.get("/accounts/delete/"))
    assert "Sign up and keep everything instead" in page
    guest.post("/accounts/delete/")
    assert not User.objects.exists()
    assert not AgentConfig.objects.exists()


def test_signing_out_says_that_it_all_goes(guest: Client) -> None:
    make_agent(guest)
    assert "what you made as a guest is being removed" in shown(guest.post("/sign-out/", follow=True))
    assert guests.remove_ended(timezone.now()) == 1


def test_a_crowd_finds_only_so_many_places(later: Callable[[int], None]) -> None:
    for _ in range(3):
        arrive()
    refused = Client(REMOTE_ADDR="192.0.2.1").post("/accounts/guest/")
    assert refused.status_code == 429
    assert "All places for guests are taken" in shown(refused)
    assert 60 <= int(refused["Retry-After"]) <= 3600
    assert User.objects.count() == 3
    for number in range(5):
        arrive(f"198.51.100.{number}")
    assert User.objects.count() == 6
    later(61)
    guests.remove_ended(timezone.now())
    # An IPv6 network counts as one address.
    for number in range(5):
        arrive(f"2001:db8::{number}")
    assert User.objects.count() == 3


def test_who_leaves_and_comes_again_makes_no_room_for_a_crowd() -> None:
    for _ in range(20):
        arrive().post("/accounts/delete/")
    assert User.objects.count() == 0
    assert LocalIdentity.objects.count() == 0
    assert Client(REMOTE_ADDR="192.0.2.1").post("/accounts/guest/").status_code == 429


@pytest.fixture
def model(settings: LazySettings) -> Iterator[OpenAIStandIn]:
    """A server in the local model's place."""
    with OpenAIStandIn(needs_key=False) as server:
        settings.LOCAL_MODEL, settings.LOCAL_MODEL_URL = True, server.url
        yield server


CLOSED = [
    ("/keys/add/openai/", {"key": "sk-0123456789", "name": "Mine"}),
    ("/agents/{pk}/keys/openai/", {"key": "sk-0123456789"}),
    ("/agents/{pk}/keys/openai/add/", {"key": "sk-0123456789", "name": "Mine"}),
    ("/agents/{pk}/deploy/connect/", {"token": "nfp_0123456789", "host": "netlify"}),
    ("/agents/{pk}/deploy/sites/new/", {"name": "site"}),
    ("/accounts/tokens/", {"name": "Script", "scope": "read", "days": "30"}),
    ("/agents/{pk}/compile/", {"targets": ["plugin", "linux-amd64"]}),
]


@pytest.mark.parametrize(("path", "data"), CLOSED, ids=lambda part: part if isinstance(part, str) else "")
def test_what_takes_an_account(path: str, data: dict[str, str], guest: Client, model: OpenAIStandIn) -> None:
    make_agent(guest)
    AgentConfig.objects.update(provider="local", model=model.models[0])
    path = path.format(pk=AgentConfig.objects.get().pk)
    page = guest.post(path, data)
    assert page.status_code == 403, shown(page)[:2000]
    assert "Sign up and keep everything" in shown(page)
    assert guest.post(path, data, headers=JSON).status_code == 403
    assert not ApiKey.objects.exists()
    assert not Connection.objects.exists()
    assert not Build.objects.exists()


def test_the_page_of_deployments_asks_nothing_that_a_guest_may_not_do(guest: Client) -> None:
    make_agent(guest)
    page = shown(guest.get(f"/agents/{AgentConfig.objects.get(handle='ada').pk}/deploy/"))
    assert "Deploying takes an account" in page
    for words in ("Create a site", "Compile one", "Missing"):
        assert words not in page


def test_a_guest_makes_only_so_many_agents(guest: Client) -> None:
    statuses = []
    for number in range(10):
        statuses.append(make_agent(guest, f"ada-{number}").status_code)
        AgentConfig.objects.filter(handle=f"ada-{number}").delete()
    assert statuses == [302] * 8 + [403] * 2


def test_guests_take_turns_as_one_owner(alice: User) -> None:
    crowd = [arrive(f"198.51.100.{number}") for number in range(4)]
    turns = []
    for guest in crowd:
        make_agent(guest)
        user = user_of(guest)
        turns.append(enqueue_build(AgentConfig.objects.get(owner=user), by=user).turn)
    assert turns == [1, 2, 3, 4]
    hers = AgentConfig.objects.create(owner=alice, name="Ada", handle="ada", provider="local", model="m")
    assert enqueue_build(hers, by=alice).turn == 1


def test_who_signs_up_too_late_is_told_that_the_account_is_empty(
    guest: Client, later: Callable[[int], None]
) -> None:
    make_agent(guest)
    later(61)
    page = shown(sign_up(guest))
    assert "over before you signed up" in page
    assert "Ada" not in shown(guest.get("/agents/"))
    assert not user_of(guest).is_guest


@pytest.mark.django_db(transaction=True)
def test_a_crowd_that_comes_at_once_finds_no_more_places_than_there_are() -> None:
    def come(number: int) -> int:
        try:
            return Client(REMOTE_ADDR=f"192.0.2.{number % 4}").post("/accounts/guest/").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(come, range(32)))
    assert statuses.count(302) == User.objects.filter(guest_until__isnull=False).count() == 6
    assert statuses.count(429) == 26


def test_the_files_of_a_guest_go_with_the_next_pruning(
    guest: Client, later: Callable[[int], None], alice: User
) -> None:
    make_agent(guest)
    user, agent = user_of(guest), AgentConfig.objects.get()
    build = Build.objects.create(owner=user, revision=create_revision(agent), status=BuildStatus.SUCCEEDED)
    digest = storage.put(b"a plugin")
    Artifact.objects.create(owner=user, build=build, name="ada.so", sha256=digest, size=8)
    later(61)
    guests.remove_ended(timezone.now())
    assert not Artifact.objects.exists()
    later(24 * 60)
    pruning.prune(apply=True)
    assert not storage.holds(digest)
