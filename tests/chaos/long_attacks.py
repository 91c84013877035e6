"""All attacks at once, from several people: part of `make chaos`."""

from __future__ import annotations

import pytest

from agentforge.accounts.models import User
from tests.drivers import people
from tests.drivers.web_process import WebProcess
from tests.standins.dripping import DrippingServer

from .attacks import PASSWORD, Attack, Request, pages_during
from .test_attacks import dripping, process

__all__ = ["dripping", "process"]
PEOPLE = 6


@pytest.mark.django_db(transaction=True)
def test_sign_ins_and_dripping_servers_of_several_people(
    process: WebProcess, dripping: DrippingServer, bob: User
) -> None:
    requests: dict[str, list[Request]] = {"sign-in": [], "key test": []}
    for number in range(PEOPLE):
        user = people.make_user(f"attacker-{number}")
        people.set_password(user, PASSWORD)
        attack = Attack(process, user)
        requests["sign-in"] += attack.sign_ins(20)
        requests["key test"] += attack.key_tests(dripping, 15)
    outcome = pages_during(process, bob, requests)
    print(f"\n{outcome}")
    assert all(set(statuses) <= {200, 429} for statuses in outcome.statuses.values())
    assert outcome.p95 < 1
