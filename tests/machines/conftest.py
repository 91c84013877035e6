from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from agentforge.machines import sharing
from agentforge.shared_secrets import TABLE
from tests.builds.conftest import agent as agent
from tests.builds.conftest import local_model as local_model


@pytest.fixture
def machine(tmp_path: Path, settings: Settings) -> Callable[[str], dict[str, str]]:
    """Return the environment of a machine with the secrets and directories of this one, in its own files."""
    settings.AGENTFORGE_SITES_DIR = tmp_path / "sites"

    def make(name: str) -> dict[str, str]:
        (tmp_path / name / "secrets").mkdir(parents=True)
        for secret in TABLE:
            secret.path(tmp_path / name).write_text(sharing.value_of(secret))
        return {
            "AGENTFORGE_VAR": str(tmp_path / name),
            "AGENTFORGE_ARTIFACTS_DIR": str(Path(settings.VAR_DIR) / "artifacts"),
            "AGENTFORGE_SITES_DIR": str(settings.AGENTFORGE_SITES_DIR),
        }

    return make
