from __future__ import annotations

from typing import Never

import pytest

from agentforge.accounts.errors import IdentityUnavailable
from agentforge.accounts.identity.outage import PAUSE_SECONDS, Outage


def test_after_a_pause_it_is_asked_again() -> None:
    now, asked = 100.0, 0
    outage = Outage(clock=lambda: now)

    def hang() -> Never:
        nonlocal asked
        asked += 1
        raise IdentityUnavailable

    for _ in range(3):
        with pytest.raises(IdentityUnavailable):
            outage.guard("https://one.example", hang)
    assert asked == 1
    assert outage.guard("https://other.example", lambda: "answers") == "answers"
    now += PAUSE_SECONDS
    assert outage.guard("https://one.example", lambda: "answers") == "answers"
