"""Give each test worker whole files, long ones first; what shares a forge or a server's roles is one unit.

The marker `xdist_group` would have no effect: xdist adds the group to the id of a test, which pytest 9.2 no
longer keeps where xdist writes it.
"""

from __future__ import annotations

from collections import Counter

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# These start first, in this order. The tests of a unit share what is started for them, or need it alone.
UNITS: tuple[tuple[str, ...], ...] = (
    # Both need the machine's cores.
    ("tests/launcher/", "tests/chaos/"),
    ("tests/browser/",),
    ("tests/screen/",),
    ("tests/live/",),
    # The roles that they make belong to the whole server.
    ("tests/tenancy/test_supabase_database.py", "tests/tenancy/test_schema.py"),
)
# Then the files with few tests that take long; the many quick ones even out what the workers have left.
SLOW = ("tests/agent/", "tests/builds/", "tests/deployments/", "tests/converter/", "tests/frontend/")


def unit_of(nodeid: str) -> str:
    """Return the unit of a test: its file, or the first part of what its file is grouped with."""
    file = nodeid.partition("::")[0]
    return next((parts[0] for parts in UNITS if file.startswith(parts)), file)


def _rank(unit: str, number: int) -> tuple[int, int, str]:
    order = [parts[0] for parts in UNITS] + list(SLOW)
    place = next((place for place, part in enumerate(order) if unit.startswith(part)), len(order))
    return place, -number, unit


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by unit; within one, their order stays."""
    numbers = Counter(unit_of(item.nodeid) for item in items)
    ranks = {unit: _rank(unit, number) for unit, number in numbers.items()}
    items.sort(key=lambda item: ranks[unit_of(item.nodeid)])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Hand out units in the order of collection."""
    config.option.loadscopereorder = False
    scheduling = LoadScopeScheduling(config, log)
    scheduling._split_scope = unit_of
    return scheduling
