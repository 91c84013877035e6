from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.forge import Forge


@pytest.fixture(scope="session")
def var_dir() -> Iterator[Path]:
    """A data directory that had its first start."""
    # Not below pytest's own directory: root's PostgreSQL is another user, who may not enter that one.
    root = Path(tempfile.mkdtemp(prefix="agentforge-launch-"))
    root.chmod(0o755)
    with Forge(root / "var") as forge:
        forge.wait_until_ready()
    yield root / "var"
    shutil.rmtree(root, ignore_errors=True)
