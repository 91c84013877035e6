"""Slots are lent by turns: nobody takes all of them, and who holds fewest comes first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from agentforge.tenancy.slots import MOST_WAITING, Busy, Slots

SECONDS = 20.0


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(MOST_WAITING + 8) as executor:
        yield executor


def waiting(slots: Slots, count: int) -> None:
    """Return when so many wait."""
    while len(slots._waiters) < count:
        threading.Event().wait(0.001)


def test_a_holder_gets_no_more_than_its_limit() -> None:
    slots = Slots(4)
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(slots.slot({"alice": 2}, seconds=0))
        with pytest.raises(Busy), slots.slot({"alice": 2}, seconds=0):
            pass
        with slots.slot({"bob": 2}, seconds=0):
            pass
    with slots.slot({"alice": 2}, seconds=0):
        pass


def test_every_subject_has_its_limit() -> None:
    slots = Slots(4)
    with slots.slot({"alice": 2, "office": 2}, seconds=0), slots.slot({"bob": 2, "office": 2}, seconds=0):
        with pytest.raises(Busy), slots.slot({"carol": 2, "office": 2}, seconds=0):
            pass
        with slots.slot({"carol": 2}, seconds=0):
            pass


def test_who_holds_fewest_comes_first(threads: ThreadPoolExecutor) -> None:
    slots, order = Slots(2), []

    def work(holder: str) -> None:
        with slots.slot({holder: 2}, seconds=SECONDS):
            order.append(holder)

    with slots.slot({"alice": 2}, seconds=0):
        with slots.slot({"carol": 2}, seconds=0):
            results = []
            for number, holder in enumerate(["alice", "alice", "bob"]):
                results.append(threads.submit(work, holder))
                waiting(slots, number + 1)
        # One slot is free, which the three take in turn.
        for result in results:
            result.result(SECONDS)
    assert order == ["bob", "alice", "alice"]


def test_a_long_queue_of_one_holder_is_refused_at_once(threads: ThreadPoolExecutor) -> None:
    slots = Slots(1)

    def work() -> None:
        with slots.slot({"alice": 1}, seconds=SECONDS):
            pass

    with slots.slot({"alice": 1}, seconds=0):
        results = [threads.submit(work) for _ in range(MOST_WAITING)]
        waiting(slots, MOST_WAITING)
        with pytest.raises(Busy), slots.slot({"alice": 1}, seconds=SECONDS):
            pass
    for result in results:
        result.result(SECONDS)


def test_nothing_is_left_over() -> None:
    slots = Slots(1)
    for _ in range(3):
        with pytest.raises(RuntimeError), slots.slot({"alice": 1}, seconds=0):
            raise RuntimeError
        with (
            slots.slot({}, seconds=0),
            slots.slot({"bob": 1}, seconds=0),
            pytest.raises(Busy),
            slots.slot({"alice": 1}, seconds=0),
        ):
            pass
    assert not slots._held
    assert not slots._waiters
