from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker

from agentforge.accounts.models import User

from .drivers import people

# Django empties the tables that it manages; the queue's are procrastinate's own, so they follow by a trigger.
# A job or a worker's sign of life that stayed would be found by the next test.
_EMPTY_THE_QUEUE_TOO = """
CREATE OR REPLACE FUNCTION empty_the_queue_too() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers, procrastinate_workers;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER empty_the_queue_too AFTER TRUNCATE ON accounts_user
EXECUTE FUNCTION empty_the_queue_too();
"""


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start; a suite started in the background hands it down ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let tests with real transactions empty all tables after them: the append-only log's and the queue's."""
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        editor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER audit_keep_all")
        editor.execute(_EMPTY_THE_QUEUE_TOO)


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
