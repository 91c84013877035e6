from __future__ import annotations

from agentforge.restarts import LIFETIME, LIVES, Restarts


def test_pauses_grow_and_the_last_death_ends_it() -> None:
    assert [Restarts().pause()] == [0.0]
    restarts = Restarts()
    assert [restarts.pause() for _ in range(LIVES)] == [0.0, 1.0, 2.0, 4.0, None]


def test_deaths_long_ago_do_not_count() -> None:
    now = 0.0
    restarts = Restarts(lambda: now)
    for _ in range(3 * LIVES):
        assert restarts.pause() is not None
        now += LIFETIME / (LIVES - 1)
