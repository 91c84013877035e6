from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builds.conftest import agent as agent
from tests.builds.conftest import build as build
from tests.builds.conftest import local_model as local_model
from tests.builds.conftest import work as work

from .machine import Machine


@pytest.fixture
def root() -> Iterator[Path]:
    # Not below pytest's own directory: root's PostgreSQL is another user, who may not enter that one.
    directory = Path(tempfile.mkdtemp(prefix="agentforge-backup-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def empty(root: Path) -> Iterator[Machine]:
    """A machine without anything: it will have a private server of its own."""
    yield Machine(root / "empty")
