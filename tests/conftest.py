from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Generator, Iterator

import pytest
from django.core.cache import cache
from django.test import Client, TransactionTestCase, override_settings
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from pytest_django import DjangoDbBlocker

from agentforge import found_servers
from agentforge.accounts.models import User

from .drivers import flush, people, static_files


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start; a suite started in the background hands it down ignored.

    By itself, httpx gives up after five seconds, which a server on a busy machine may take to answer.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for part in ("connect", "read", "write", "pool"):
        setattr(DEFAULT_TIMEOUT_CONFIG, part, 60.0)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests without looking for garbage among them: all are in use until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let tests with real transactions empty all tables after them: the append-only log's and the queue's."""
    with django_db_blocker.unblock():
        flush.install()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", flush.empty_tables)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_repeated_work() -> Iterator[None]:
    """Spare the tests what takes long and is the same each time: strong hashes, a list of the static files.

    Processes that tests start have the product's settings.
    """
    hasher = f"{people.__name__}.{people.QuickHasher.__name__}"
    with override_settings(PASSWORD_HASHERS=[hasher]), static_files.listed_once():
        yield


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what earlier tests found: model servers, their models, the usual times of builds.

    A model server that is looked for may take its time: the machine is busy.
    """
    monkeypatch.setattr(found_servers, "_found", set())
    monkeypatch.setattr(found_servers, "SECONDS", 30.0)
    cache.clear()


@pytest.fixture
def alice(db: None) -> User:
    """Owns what a test is about."""
    return people.make_user("alice")


@pytest.fixture
def bob(db: None) -> User:
    """Another tenant."""
    return people.make_user("bob")


@pytest.fixture
def olga(db: None) -> User:
    """Operates: staff and superuser."""
    return people.make_user("olga", operator=True)


@pytest.fixture
def sign_in() -> Callable[[Client, User], None]:
    return people.sign_in


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """Return a function that makes a signed-in client of a user."""

    def make(user: User) -> Client:
        client = Client()
        people.sign_in(client, user)
        return client

    return make
