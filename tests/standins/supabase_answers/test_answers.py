"""The stand-in answers as the real Supabase Auth did: each recorded request is sent to it and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standins.supabase_auth import SupabaseAuth

from .comparison import differences
from .situations import PREPARATIONS
from .world import World

RECORDED: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "real.jsonl").read_text().splitlines()
]


@pytest.fixture
def world() -> Iterator[World]:
    auth = SupabaseAuth().start()
    auth.autoconfirm = True
    yield World(auth)
    auth.stop()


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded["situation"])
def test_it_answers_as_the_real_service(recorded: dict[str, Any], world: World) -> None:
    PREPARATIONS[recorded["situation"]](world)
    assert differences(recorded, world.replay(recorded)) == []


def test_each_situation_is_recorded() -> None:
    assert set(PREPARATIONS) == {recorded["situation"] for recorded in RECORDED}
