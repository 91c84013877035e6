"""Kill the worker, the web process and PostgreSQL under builds and their viewers (more: `make chaos`)."""

from __future__ import annotations

from tests.forge import Forge

from .client import Script
from .storm import Storm, killing

SEED = 4


def test_builds_and_viewers_outlive_every_process(forge: Forge) -> None:
    storm = Storm(forge, Script(forge.url))
    storm.begin(builds=4, viewers=6)
    with killing(storm, SEED, ["worker", "web", "postgres"], apart=(3, 10)) as monkey:
        storm.wait_for_the_end()
    assert monkey.killed
    print(storm.summary(), monkey.killed)
    storm.check()
    forge.stop()
    assert forge.processes() == []
