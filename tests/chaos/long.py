"""Run the whole chaos suite: `make chaos`, with SEED=… for other kills. It takes some minutes."""

from __future__ import annotations

import os

from .client import Script
from .monkey import MOST_KILLS
from .storm import Pair, Storm, killing

PROGRAMS = [
    *("forge worker", "forge web", "forge replies", "forge checks", "forge deployments", "forge postgres"),
    *("builder worker", "builder web", "builder postgres"),
]


def test_twenty_builds_and_fifty_viewers_outlive_every_process(pair: Pair) -> None:
    seed = int(os.environ.get("SEED", "1"))
    storm = Storm(pair, Script(pair.forge.url))
    storm.begin(builds=20, viewers=50, people=4)
    with killing(storm, seed, PROGRAMS * MOST_KILLS, apart=(20, 80)) as monkey:
        storm.wait_for_the_end()
    print(f"\nSeed {seed}. Killed: {dict(monkey.killed)}. Builds: {storm.summary()}.")
    assert monkey.killed
    storm.check()
    pair.stop()
