"""The image of deploy/docker, built step by step, and its services as deploy/docker/compose.yml starts them.

There is no engine: debootstrap makes the base, and each step runs in a root of its own. `make chaos` runs it,
as root; else it is skipped and says why.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from . import containers
from .containers import DOCKER, Image
from .installation import Installation
from .network import Network

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
PASSWORD = "choose-one"
VOLUME = "/var/lib/agentforge"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((DOCKER / "compose.yml").read_text())["services"]


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    if reason := containers.is_possible():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="agentforge-image-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        yield containers.build(Path(directory))


@pytest.fixture(scope="module")
def composed(image: Image, boot: Callable[..., Installation], network: Network) -> Iterator[Composed]:
    database = boot("database")
    database.make_server()
    database.page("database").left.pop(0)
    database.page("database").run(database.box, NETWORK="10.83.0.0/24")
    roles = f"runuser -u postgres -- sh <<'SCRIPT'\n{(DOCKER / 'database.sh').read_text()}\nSCRIPT"
    given = {"POSTGRES_USER": "postgres", "FORGE_PASSWORD": PASSWORD}
    database.box.run(roles, directory="/", variables=given)
    (image.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{database.box.address} database\n")
    volume = image.root.parent / "volume"
    volume.mkdir(mode=0o700)
    os.chown(volume, *containers.owner_of(image))
    with ExitStack() as stack:
        yield Composed(image, volume, network.connect()[0], stack)


@dataclass
class Composed:
    """Containers of one image, with one volume and one network."""

    image: Image
    volume: Path
    namespace: str
    stack: ExitStack

    def start(self, service: str, *words: str) -> subprocess.Popen[str]:
        """Start a service with its settings, or another program in its place."""
        written = SERVICES[service]
        assert written["read_only"] and written["cap_drop"] == ["ALL"]
        command = list(words) or [*self.image.entry, *written["command"]]
        process = self.stack.enter_context(
            subprocess.Popen(
                self.image.command(
                    command, rights=self.image.user, volume=self.volume, within=self.namespace
                ),
                env=containers.clean_environment(self.image, **_settings(written)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        # The first process of its namespace takes the others with it.
        self.stack.callback(process.kill)
        return process

    def run(self, service: str, *words: str, seconds: float = 900) -> str:
        """Run a service, or another program in its place, to its end."""
        process = self.start(service, *words)
        output, _ = process.communicate(timeout=seconds)
        assert process.returncode == 0, output[-4000:]
        return output


def _settings(service: dict[str, Any]) -> dict[str, str]:
    """Return the example's settings, filled in, and the service's own."""
    example = dict(
        re.findall(r"^([A-Z_]+)=(.*)$", (DOCKER.parent / "agentforge.env.example").read_text(), re.M)
    )
    own = {name: str(value) for name, value in service["environment"].items()}
    own["DATABASE_URL"] = own["DATABASE_URL"].replace("${FORGE_PASSWORD:?}", PASSWORD)
    # The examples of agents have the local model.
    return {**example, "LOCAL_MODEL": "1", **own}


def test_the_services_start_and_are_healthy(composed: Composed) -> None:
    composed.run("migrate")
    web = composed.start("web")
    kind, *check = SERVICES["web"]["healthcheck"]["test"]
    assert kind == "CMD"
    deadline = time.monotonic() + 90
    while (asked := composed.start("web", *check)).wait(timeout=30) != 0:
        assert web.poll() is None and time.monotonic() < deadline, web.stdout and web.stdout.read()
    assert asked.returncode == 0


def test_nothing_but_the_volume_can_be_written(composed: Composed) -> None:
    script = "for place in / /app /etc /usr ~; do touch $place/x 2>/dev/null && echo $place; done; id -u"
    assert composed.run("web", "/bin/sh", "-c", script).split() == [VOLUME, "10001"]


def test_an_agent_is_compiled_in_the_sandbox(composed: Composed) -> None:
    words = ("manage.py", "build_agent", "examples/tutor.yaml", "--out", f"{VOLUME}/out")
    composed.run("worker", ".venv/bin/python", *words)
    assert (composed.volume / "out" / "tutor.so").stat().st_size > 1_000_000
    examined = composed.run("worker", ".venv/bin/python", "manage.py", "check")
    assert "sandbox" not in examined, "it is the best there is"
