from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forge import Forge


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests in one process: each needs the machine's cores."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.xdist_group("launcher"))
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture
def forge() -> Iterator[Forge]:
    """A forge whose processes may be killed."""
    root = Path(tempfile.mkdtemp(prefix="agentforge-chaos-"))
    root.chmod(0o755)
    with Forge(root / "var", LOCAL_MODEL="0", RATE_LIMIT_BUILDS="0") as running:
        yield running.wait_until_ready()
    shutil.rmtree(root, ignore_errors=True)
