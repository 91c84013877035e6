"""What one person sends all at once does not slow another person's pages down (more: `make chaos`)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentforge import outbound
from agentforge.accounts.models import User
from agentforge.accounts.throttling.attempts import ATTEMPTS_PER_EMAIL
from agentforge.accounts.throttling.shares import SLOW_PER_PERSON
from tests.drivers import people
from tests.drivers.web_process import WebProcess
from tests.standins.dripping import DrippingServer

from .attacks import PASSWORD, Attack, pages_during

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dripping() -> Iterator[DrippingServer]:
    with DrippingServer() as server:
        yield server


@pytest.fixture
def process(dripping: DrippingServer) -> Iterator[WebProcess]:
    with WebProcess(TRUSTED_PROXIES="1", LOCAL_MODEL="0", AGENTFORGE_ALLOWED_HOSTS=dripping.host) as started:
        yield started


def test_sixty_sign_ins_and_fifteen_key_tests_of_one_person_at_once(
    process: WebProcess, dripping: DrippingServer, alice: User, bob: User
) -> None:
    people.set_password(alice, PASSWORD)
    attack = Attack(process, alice)
    requests = {"sign-in": attack.sign_ins(60), "key test": attack.key_tests(dripping, 15)}
    outcome = pages_during(process, bob, requests)
    print(outcome)
    sign_ins, key_tests = outcome.statuses["sign-in"], outcome.statuses["key test"]
    assert set(sign_ins) == {200, 429}
    assert sign_ins[200] <= ATTEMPTS_PER_EMAIL
    assert set(key_tests) == {200, 429}
    assert key_tests[200] >= SLOW_PER_PERSON
    assert dripping.connections <= key_tests[200]
    # A page that waited for a key test, or for the sign-ins, would take twice as long.
    assert outcome.p95 < outbound.SECONDS / 2
