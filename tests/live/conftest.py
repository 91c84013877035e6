from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from agentforge.accounts.models import User
from agentforge.live.streams import create_stream
from tests.drivers.people import bearer_of, make_user
from tests.drivers.web_process import WebProcess


@pytest.fixture
def owner(transactional_db: None) -> User:
    """Return a committed user: writers and web processes use connections of their own."""
    return make_user("alice")


@pytest.fixture
def stream(owner: User) -> str:
    """Return the name of an empty stream."""
    name = f"build-{uuid.uuid4()}"
    create_stream(name, owner.pk)
    return name


@pytest.fixture
def signed_in(owner: User) -> dict[str, str]:
    """Return the headers that sign the owner in."""
    return {"Authorization": bearer_of(owner)}


@pytest.fixture(scope="session")
def web(django_db_setup: None) -> Iterator[WebProcess]:
    """Run one web process for all tests that do not end it."""
    with WebProcess(LIVE_KEEP_ALIVE_SECONDS="0.2") as process:
        yield process
