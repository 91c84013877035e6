"""Upgrade the oldest supported version with its data, use everything, and go back one version.

Versions are commits of this repository; each runs from a work tree of its own, with this environment's
packages. `make chaos` runs it; it needs the whole history.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.drivers.forge import ROOT, Forge
from tests.standins.openai import OpenAIStandIn

from .person import KEY, Person

# As docs/operations/upgrade.md promises: the first's data can be upgraded, and the second runs on it then.
OLDEST = "4c0ce71428c753f68cb5a2f969ee7983dc15fb74"
PREVIOUS = "b8bfbd94187488581bb85b3deec00c91caa1cf32"

pytestmark = pytest.mark.timeout(1800)


@dataclass
class Data:
    """What the oldest version was given: an agent, its build with the files' hashes, a site, an answer."""

    agent: int
    build: int
    files: dict[str, str]
    log: str
    answer: str
    deployment: int


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="agentforge-upgrade-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _git(*words: str) -> None:
    command = [str(shutil.which("git")), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {words[0]}: {done.stderr} (a clone without its history can't do this)"


def _tree(directory: Path, commit: str) -> Path:
    """Return the sources of a version, without git's own files."""
    tree, archive = directory / commit[:7], directory / f"{commit[:7]}.tar"
    _git("archive", "--output", str(archive), commit)
    tree.mkdir()
    subprocess.run([str(shutil.which("tar")), "xf", str(archive), "-C", str(tree)], check=True)
    return tree


def _filled(person: Person) -> Data:
    person.sign_up("ada")
    agent = person.make_agent("Ada")
    person.ask("POST", f"/agents/{agent}/keys/openai/", {"key": KEY})
    build = person.built(agent, "plugin", "linux-amd64")
    person.ask("POST", f"/agents/{agent}/deploy/sites/new/", {"name": "ada-home", "host": "self-hosted"})
    deployment = person.deployed(agent, build["id"])
    return Data(
        agent=agent,
        build=build["id"],
        files=person.hashes(build["id"]),
        log=person.text(f"/builds/{build['id']}/log.txt"),
        answer=person.answer(agent, "What did the old one say?"),
        deployment=deployment,
    )


def _kept(person: Person, data: Data) -> None:
    """Everything that was there is there, and works."""
    person.sign_in("ada")
    assert data.agent in [agent["id"] for agent in person.ask("GET", "/agents/")["agents"]]
    assert person.hashes(data.build) == data.files
    assert person.text(f"/builds/{data.build}/log.txt") == data.log
    messages = person.ask("GET", f"/agents/{data.agent}/try/")["messages"]
    assert data.answer in [message["content"] for message in messages]
    assert person.ask("POST", f"/agents/{data.agent}/keys/openai/test/", {})["outcome"] == "valid"
    assert person.answer(data.agent, "And who answers now?")
    assert person.ask("GET", f"/deployments/{data.deployment}/")["deployment"]["status"] == "succeeded"


def _used(person: Person, data: Data) -> None:
    """A changed agent is built, asked and deployed; another one is made from nothing."""
    person.ask("POST", f"/agents/{data.agent}/identity/", {"description": f"Since {time.time()}"})
    build = person.built(data.agent, "plugin", "linux-amd64")
    assert person.answer(data.agent, "Are you new?")
    person.deployed(data.agent, build["id"])
    other = person.make_agent(f"Bea {build['id']}")
    person.built(other)
    assert person.answer(other, "And you?")


def _made_with_what_is_new(person: Person) -> int:
    """Return an agent that rows of a table refer to which the version before this one doesn't have."""
    agent = person.make_agent("Eve")
    cases = "cases:\n  - ask: Who are you?\n    expect:\n      - icontains: eve\n"
    person.ask("POST", f"/agents/{agent}/evaluation/", {"cases": cases, "gate": "off"})
    return agent


def _deleted(person: Person, agent: int) -> None:
    person.ask("POST", f"/agents/{agent}/delete/", {})
    person.ask("POST", f"/trash/{agent}/delete/", {"handle": "eve"})
    assert person.ask("GET", "/trash/")["agents"] == []


def test_data_of_the_oldest_version_is_kept_and_the_previous_one_runs_on_it(directory: Path) -> None:
    var = directory / "var"
    with OpenAIStandIn(needs_key=False) as local, OpenAIStandIn(key=KEY) as provider:
        local.models = ["smollm2-135m"]
        shell = {
            "LOCAL_MODEL_URL": local.url,
            "AGENTFORGE_OPENAI_URL": provider.url,
            "EXAMPLE_AGENT": "0",
            "RATE_LIMIT_SIGN_INS": "100",
        }
        with Forge(var, root=_tree(directory, OLDEST), shell=shell) as oldest:
            oldest.wait_until_ready()
            data = _filled(Person(oldest.url))
            oldest.stop()
        with Forge(var, shell=shell) as present:
            present.wait_until_ready()
            person = Person(present.url)
            _kept(person, data)
            _used(person, data)
            eve = _made_with_what_is_new(person)
            present.stop()
        with Forge(var, root=_tree(directory, PREVIOUS), shell=shell) as previous:
            previous.wait_until_ready()
            person = Person(previous.url)
            _kept(person, data)
            _used(person, data)
            _deleted(person, eve)
