"""Kill worker, web process, PostgreSQL and remote builder under builds and viewers (more: `make chaos`)."""

from __future__ import annotations

from .client import Script
from .storm import Pair, Storm, killing

SEED = 36


def test_builds_and_viewers_outlive_every_process(pair: Pair) -> None:
    storm = Storm(pair, Script(pair.forge.url))
    storm.begin(builds=3, viewers=6)
    victims = ["forge worker", "forge web", "forge postgres", "builder worker"]
    with killing(storm, SEED, victims, apart=(2, 6)) as monkey:
        storm.wait_for_the_end()
    assert monkey.killed
    print(storm.summary(), monkey.killed)
    storm.check()
    pair.stop()
