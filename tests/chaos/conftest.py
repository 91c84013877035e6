from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builds.remote.builder import SECRET
from tests.drivers.forge import Forge
from tests.drivers.ports import free_port
from tests.standins.openai import OpenAIStandIn

from .storm import BUILDER, Pair


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test time for what it starts and kills."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A forge and its remote builder, each with a database of its own, whose processes may be killed."""
    root = Path(tempfile.mkdtemp(prefix="agentforge-chaos-"))
    root.chmod(0o755)
    local_model = OpenAIStandIn(needs_key=False)
    local_model.models = ["smollm2-135m"]
    ports = {"forge": free_port(), BUILDER: free_port()}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    builders = json.dumps([{"name": BUILDER, "url": urls[BUILDER], "secret": SECRET}])
    forge = Forge(
        root / "forge",
        port=ports["forge"],
        LOCAL_MODEL_URL=local_model.url,
        RATE_LIMIT_BUILDS="0",
        AGENTFORGE_BUILDERS=builders,
    )
    builder = Forge(
        root / "builder",
        port=ports[BUILDER],
        LOCAL_MODEL="0",
        AGENTFORGE_ROLE="builder",
        AGENTFORGE_FORGE_URL=urls["forge"],
        AGENTFORGE_BUILDER_SECRET=SECRET,
    )
    # Both are up sooner when neither waits for the other.
    with local_model, forge, builder:
        pair = Pair(forge.wait_until_ready(), builder.wait_until_ready())
        # A worker that is killed every few seconds would take minutes more to warm an empty cache.
        warm = forge.run([sys.executable, "-E", "-s", "manage.py", "warm"])
        assert warm.returncode == 0, warm.stdout
        yield pair
    shutil.rmtree(root, ignore_errors=True)
