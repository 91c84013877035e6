"""The image of deploy/docker, built step by step, and its services as deploy/docker/compose.yml starts them.

There is no engine: debootstrap makes the base, and each step runs in a root of its own. `make chaos` runs it,
as root; else it is skipped and says why. The tests of this file follow each other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.drivers.forge import ROOT

from . import containers
from .compose import SERVICES, Composed, made
from .containers import Image
from .installation import Installation
from .network import Network
from .person import Person

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
VOLUME = "/var/lib/agentforge"


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    if reason := containers.is_possible():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="agentforge-image-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        yield containers.build(Path(directory))


@pytest.fixture(scope="module")
def composed(
    image: Image, boot: Callable[..., Installation], network: Network, certificate: Path
) -> Iterator[Composed]:
    host = boot("host")
    namespace, address = network.connect()
    with ExitStack() as stack:
        services = made(image, host, namespace, stack)
        services.up()
        services.wait_until_healthy("web")
        # As the host's proxy reaches the port that the engine publishes.
        host.box.run(f"git clone --quiet file://{ROOT} /opt/agentforge")
        host.put_behind_nginx(certificate)
        host.box.run(
            f"sed -i s/127.0.0.1:8000/{address}:8000/ /etc/nginx/conf.d/agentforge.conf"
            " && systemctl reload nginx"
        )
        yield services


def test_an_operators_settings_are_not_in_the_image(image: Image) -> None:
    assert not list((image.root / "app").glob("*.env"))


def test_nothing_but_the_volume_can_be_written(composed: Composed) -> None:
    script = "for place in / /app /etc /usr ~; do touch $place/x 2>/dev/null && echo $place; done; id -u"
    assert composed.run("web", "/bin/sh", "-c", script).split() == [VOLUME, "10001"]


def test_an_agent_is_compiled_in_the_sandbox(composed: Composed) -> None:
    words = ("manage.py", "build_agent", "examples/tutor.yaml", "--out", f"{VOLUME}/out")
    composed.run("worker", ".venv/bin/python", *words)
    assert (composed.volume / "out" / "tutor.so").stat().st_size > 1_000_000
    examined = composed.run("worker", ".venv/bin/python", "manage.py", "check")
    assert "sandbox" not in examined, "it is the best there is"


def test_each_service_does_its_work(composed: Composed) -> None:
    person = Person(composed.host.url)
    person.sign_up("ada")
    agent = person.make_agent("Ada")
    build = person.built(agent, "plugin", "linux-amd64")
    assert person.hashes(build["id"])
    assert person.answer(agent, "Do you live in a container?")
    person.ask("POST", f"/agents/{agent}/deploy/sites/new/", {"name": "ada-home", "host": "self-hosted"})
    assert len(person.download_site(person.deployed(agent, build["id"]))) > 1_000_000


def test_nothing_that_ended_is_left(composed: Composed) -> None:
    """The first process of a container inherits what others leave, and nobody else reaps it."""
    left = {
        name: [
            child.name()
            for child in composed.first_process(name).children()
            if child.status() == psutil.STATUS_ZOMBIE
        ]
        for name in composed.running
        if name != "migrate"
    }
    assert {name: zombies for name, zombies in left.items() if zombies} == {}


def test_each_service_ends_when_it_is_asked(composed: Composed) -> None:
    ended = {name: composed.stop(name) for name in SERVICES if name not in ("database", "migrate")}
    assert set(ended.values()) == {0}, ended
