"""Many long walks: `make chaos`, with SEED=… for others."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from .walk import Walk

FIRST = 1000 * int(os.environ.get("SEED", "1"))
WALKS, STEPS = int(os.environ.get("WALKS", "20")), int(os.environ.get("STEPS", "40"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + WALKS))
def test_every_state_is_true_after_every_step(walk_of: Callable[[int], Walk], seed: int) -> None:
    walk = walk_of(seed)
    walk.person.create()
    for _ in range(STEPS):
        walk.step()
    print(f"\nSeed {seed}: {walk.person.did}", *walk.untrue, sep="\n")
    assert walk.untrue == []
