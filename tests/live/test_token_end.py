"""A stream ends with the token that admitted it, unless a browser's tokens are renewed meanwhile."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.identity import supabase
from agentforge.accounts.models import SignIn
from agentforge.live.streams import create_stream, publish
from tests.drivers.sse_client import LiveConnection
from tests.drivers.web_process import WebProcess
from tests.standins.supabase_auth import SupabaseAuth

from .test_sign_outs import cookie_of, opened
from .test_streams import line

EMAIL, PASSWORD = "alice@example.com", "correct horse battery"
LIFE = 6


@pytest.fixture(scope="module")
def auth() -> Iterator[SupabaseAuth]:
    service = SupabaseAuth().start()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def process(auth: SupabaseAuth, django_db_setup: None) -> Iterator[WebProcess]:
    with WebProcess(SUPABASE_URL=auth.url, SUPABASE_ANON_KEY=auth.anon_key) as started:
        yield started


@pytest.fixture
def client(auth: SupabaseAuth, settings: LazySettings, transactional_db: None) -> Client:
    """A browser whose access tokens live for LIFE seconds."""
    settings.SUPABASE_URL, settings.SUPABASE_ANON_KEY = auth.url, auth.anon_key
    supabase._keys.cache_clear()
    auth.access_life, auth.is_down = LIFE, False
    auth.state.accounts.clear()
    auth.account(EMAIL, PASSWORD)
    browser = Client()
    assert browser.post("/sign-in/", {"email": EMAIL, "password": PASSWORD}).status_code == 302
    return browser


@pytest.fixture
def stream(client: Client) -> str:
    name = f"build-{uuid.uuid4()}"
    create_stream(name, SignIn.objects.get().user_id)
    publish(name, line("a"))
    return name


def end_of(client: Client) -> float:
    return SignIn.objects.get(pk=client.session["sign_in"]).expires_at.timestamp()


def assert_ends_in_time(following: LiveConnection, end: float) -> None:
    assert list(following) == []
    # By itself, it would end after a quarter of an hour.
    assert time.time() < end + 60
    following.__exit__()


def test_a_banned_persons_stream_ends_with_the_token(
    auth: SupabaseAuth, process: WebProcess, client: Client, stream: str
) -> None:
    following = opened(process, stream, cookie_of(client))
    [account] = auth.state.accounts.values()
    account.banned = True
    assert_ends_in_time(following, end_of(client))
    with process.follow(cookie_of(client), stream) as again:
        assert again.status == 401


def test_a_renewed_token_keeps_the_stream(
    auth: SupabaseAuth, process: WebProcess, client: Client, stream: str
) -> None:
    first_end = end_of(client)
    following = opened(process, stream, cookie_of(client))
    while time.time() < first_end + LIFE:
        time.sleep(first_end + LIFE - time.time() + 0.1)
    publish(stream, line("b"))
    assert next(iter(following)).id == f"{stream}:2"
    assert end_of(client) > first_end
    following.__exit__()


def test_a_bearer_tokens_stream_ends_with_it(
    auth: SupabaseAuth, process: WebProcess, client: Client, stream: str
) -> None:
    bearer = {"Authorization": f"Bearer {SignIn.objects.get().access_token}"}
    assert_ends_in_time(opened(process, stream, bearer), end_of(client))


def test_an_outage_ends_streams_with_their_token_and_lets_them_wait(
    auth: SupabaseAuth, process: WebProcess, client: Client, stream: str
) -> None:
    following = opened(process, stream, cookie_of(client))
    auth.is_down = True
    assert_ends_in_time(following, end_of(client))
    again = process.follow(cookie_of(client), stream, last_event_id=f"{stream}:1")
    auth.is_down = False
    publish(stream, line("b"))
    with again:
        assert again.status == 200
        assert next(iter(again)).id == f"{stream}:2"
