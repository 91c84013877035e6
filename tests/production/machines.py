"""Two machines behind haproxy, by the letter of docs/operations/machines.md: all works through either.

Each has systemd, a network namespace and data of its own; the first also has the database and the balancer.
The tests of this file follow each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from .following import Following, wait_until
from .installation import Installation, self_signed
from .person import KEY, Person

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
WORKERS = "agentforge@worker agentforge@deployments agentforge@replies agentforge@checks"


@dataclass
class Pair:
    """Both machines, and a person who comes through the balancer."""

    one: Installation
    two: Installation
    person: Person
    agent: int

    def serve_pages_on(self, chosen: Installation) -> None:
        """Leave one web process, and the workers of the other machine."""
        other = self.two if chosen is self.one else self.one
        chosen.box.run(f"systemctl start agentforge@web && systemctl stop {WORKERS}")
        other.box.run(f"systemctl start {WORKERS} && systemctl stop agentforge@web")

    def start_everything(self) -> None:
        for machine in (self.one, self.two):
            machine.box.run(
                f"systemctl reset-failed 'agentforge@*'; systemctl restart agentforge@web {WORKERS}"
            )


@pytest.fixture(scope="module")
def pair(
    boot: Callable[..., Installation], certificate: Path, tmp_path_factory: pytest.TempPathFactory
) -> Pair:
    disk, store = (tmp_path_factory.mktemp(name) for name in ("disk", "store"))
    disk.chmod(0o755)
    one, two = (boot(name, srv_agentforge=disk, srv_store=store) for name in ("forge-1", "forge-2"))
    page = one.page("machines")
    one.make_database()
    one.page("database").run(one.box, NETWORK="10.83.0.0/24")
    one.install()
    page.run(one.box)
    one.fill_in_all(database=one.box.address)
    one.fill_in(**page.settings)
    one.start()

    two.install()
    page.run(one.box)
    one.box.run("cp -p /root/agentforge-machine.tar.gz /srv/store/")
    two.box.run("cp -p /srv/store/agentforge-machine.tar.gz /root/")
    page.run(two.box)
    two.start()

    page.run(one.box)
    addresses = {"10.0.0.11": one.box.address, "10.0.0.12": two.box.address}
    edits = " ".join(f"-e s/{old}/{new}/" for old, new in addresses.items())
    one.box.run(
        f"cd /etc/haproxy && sed -i {edits} haproxy.cfg\n"
        f"{self_signed(one.box.address, 'key.pem', 'cert.pem')} && cat cert.pem key.pem > forge.pem"
    )
    certificate.write_text(one.box.run("cat /etc/haproxy/cert.pem"))
    page.run(one.box)
    person = Person(one.url)
    person.sign_up("ada")
    agent = person.make_agent("Ada")
    person.ask("POST", f"/agents/{agent}/keys/openai/", {"key": KEY})
    person.ask("POST", f"/agents/{agent}/deploy/sites/new/", {"name": "ada-home", "host": "self-hosted"})
    return Pair(one, two, person, agent)


@pytest.mark.parametrize("name", ["one", "two"])
def test_everything_works_through_either(pair: Pair, name: str) -> None:
    """Pages come from one machine, and builds, answers and deployments from the other."""
    person, agent = pair.person, pair.agent
    pair.serve_pages_on(getattr(pair, name))
    following = Following.begin(person, agent)
    build = following.end()
    assert person.hashes(build["id"])
    assert person.answer(agent, f"Does {name} answer?")
    assert len(person.download_site(person.deployed(agent, build["id"]))) > 1_000_000


def test_another_secret_is_named_and_gets_nobody(pair: Pair) -> None:
    two, secret = pair.two.box, "/var/lib/agentforge/secrets/identity.pem"
    pair.start_everything()
    two.run(f"mv {secret} /root/ && openssl ecparam -name prime256v1 -genkey -noout -out {secret}")
    two.run(f"chown forge {secret} && systemctl restart agentforge@web")
    answer = probed(pair.two, 503)
    assert "AGENTFORGE_IDENTITY_KEY" in answer
    assert "AGENTFORGE_IDENTITY_KEY" in two.run("agentforge-manage doctor", check=False)
    for _ in range(20):
        assert pair.person.ask("GET", "/agents/")["agents"]
    two.run(f"rm {secret} && systemctl restart agentforge@web")
    wait_until(lambda: "No new one was made" in two.log())
    two.run(f"mv /root/identity.pem {secret} && chown forge {secret} && systemctl restart agentforge@web")
    probed(pair.two, 200)


def test_another_directory_is_refused(pair: Pair) -> None:
    two, place = pair.two, "AGENTFORGE_ARTIFACTS_DIR"
    two.fill_in(**{place: "/var/lib/agentforge/artifacts"})
    two.box.run("systemctl restart agentforge@worker")
    wait_until(lambda: "is not the directory with the files of builds that" in two.box.log())
    two.fill_in(**{place: "/srv/agentforge/artifacts"})
    two.box.run("systemctl restart agentforge@worker")
    pair.one.page("machines").run(pair.one.box, 3)


def test_a_machine_loses_its_power_in_a_build(pair: Pair) -> None:
    """What it did goes on at the other, and so does who follows it."""
    pair.start_everything()
    pair.one.box.run("systemctl stop agentforge@worker")
    following = Following.begin(pair.person, pair.agent)
    following.wait_until_running()
    pair.two.box.cut_power()
    pair.one.box.run("systemctl start agentforge@worker")
    assert following.end()["attempts"] == 2
    assert pair.one.page("machines").left == []


def probed(machine: Installation, status: int) -> str:
    """Ask a machine itself whether it is ready, until it says so or not; return its words."""

    def ask() -> str:
        try:
            answer = httpx.get(f"http://{machine.box.address}:8000/readyz", timeout=10)
        except httpx.TransportError:
            return ""
        return answer.text if answer.status_code == status else ""

    return wait_until(ask)
