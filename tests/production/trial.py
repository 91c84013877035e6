"""A production trial: the forge on a server, by the letter of docs/operations; then kills, backup, restore.

The server is a machine of its own on this one (box.py): systemd runs the units as an ordinary user, nginx
ends TLS, PostgreSQL knows an ordinary role. `make chaos` runs it, as root; else it is skipped and says why.
The tests of this file follow each other on the same machine.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.journey import PASSWORD

from .following import TARGET, Following, wait_until
from .installation import ENVIRONMENT, Installation
from .person import KEY, UNFINISHED, Person

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
CALM = 30  # seconds
RESTARTS = "systemctl show --property=Id,NRestarts 'agentforge@*'"


@dataclass
class Trial:
    """The forge, a person who uses it through nginx, and what the person has there."""

    forge: Installation
    person: Person
    agent: int
    build: int = 0
    answer: str = ""
    deployment: int = 0
    saved: str = ""


@pytest.fixture(scope="module")
def backups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory that stands in for the store which backups are brought to."""
    directory = tmp_path_factory.mktemp("backups")
    directory.chmod(0o755)
    return directory


@pytest.fixture(scope="module")
def trial(boot: Callable[..., Installation], certificate: Path, backups: Path) -> Iterator[Trial]:
    forge = boot("forge-1", srv_store=backups)
    forge.make_database()
    forge.install()
    forge.fill_in_all()
    forge.start()
    forge.put_behind_nginx(certificate)
    person = Person(forge.url)
    person.sign_up("ada")
    agent = person.make_agent("Ada")
    person.ask("POST", f"/agents/{agent}/keys/openai/", {"key": KEY})
    yield Trial(forge, person, agent)


def test_everything_works_through_the_proxy(trial: Trial) -> None:
    person, agent = trial.person, trial.agent
    trial.build = Following.begin(person, agent).end()["id"]
    assert person.hashes(trial.build)
    trial.answer = person.answer(agent, "What did the first one say?")
    person.ask("POST", f"/agents/{agent}/deploy/sites/new/", {"name": "ada-home", "host": "self-hosted"})
    trial.deployment = person.deployed(agent, trial.build)
    archive = person.download_site(trial.deployment)
    with tarfile.open(fileobj=io.BytesIO(archive)) as site:
        assert any(name.endswith("bin/agent") for name in site.getnames())


def test_the_web_process_is_killed_under_a_live_stream(trial: Trial) -> None:
    following = Following.begin(trial.person, trial.agent)
    assert following.viewer.first_event.wait(60)
    kill(trial, "web")
    following.end()


def test_a_worker_is_killed_in_a_build(trial: Trial) -> None:
    following = Following.begin(trial.person, trial.agent)
    following.wait_until_running()
    kill(trial, "worker")
    assert following.end()["attempts"] == 2


def test_the_worker_of_deployments_is_killed(trial: Trial) -> None:
    begun = trial.person.ask("POST", f"/agents/{trial.agent}/deploy/start/", {"build": trial.build})
    kill(trial, "deployments")
    done = trial.person.until(f"/deployments/{begun['deployment']['id']}/", "deployment")
    assert done["status"] == "succeeded", done


def test_postgresql_restarts_in_a_build(trial: Trial) -> None:
    before = trial.forge.box.run(RESTARTS)
    following = Following.begin(trial.person, trial.agent)
    following.wait_until_running()
    trial.forge.box.run("systemctl restart postgresql")
    assert following.end()["attempts"] == 1
    assert trial.forge.box.run(RESTARTS) == before, "processes connect anew and don't end"


def test_the_pages_for_operators_are_true(trial: Trial) -> None:
    box, page = trial.forge.box, trial.forge.page
    page("database").run(box, NETWORK="10.83.0.0/24")
    assert "worker" in page("database").run(box)
    page("install").run(box, EMAIL="ada@example.com")
    id_of_a_request = trial.person.request_id("/agents/")
    # The line comes after the answer.
    wait_until(lambda: id_of_a_request in box.log())
    page("monitoring").run(box, REQUEST_ID=id_of_a_request)
    metrics = page("monitoring").run(box, METRICS_TOKEN=trial.forge.settings["METRICS_TOKEN"])
    assert 'agentforge_jobs_requeued_total{kind="build"} 1' in metrics
    page("monitoring").run(box)
    page("incidents").run(box)
    assert "GET /agents/" in page("incidents").run(box, REQUEST_ID=id_of_a_request)
    page("incidents").run(box, 3)


def test_a_backup_is_restored_on_another_machine(
    trial: Trial, boot: Callable[..., Installation], backups: Path, certificate: Path
) -> None:
    page, box = trial.forge.page("backup"), trial.forge.box
    page.run(box)
    following = Following.begin(trial.person, trial.agent)
    page.run(box)
    following.end()
    page.run(box, 3, STORE="/srv/store")
    box.run("cp -a /var/backups/agentforge /etc/agentforge/passphrase /srv/store/")

    other = boot("forge-2", srv_store=backups)
    other.make_database()
    other.install()
    other.fill_in_all()
    other.box.run(f"sed -i /^SECRET_KEY=/d {ENVIRONMENT}")
    other.box.run("install -m 0640 -g forge /srv/store/passphrase /etc/agentforge/")
    (saved,) = (backups / "agentforge").glob("????-??-??")
    page.run(other.box, BACKUP=f"/srv/store/agentforge/{saved.name}")
    other.start()
    other.put_behind_nginx(certificate)
    kept(trial, other)


def kept(trial: Trial, other: Installation) -> None:
    """The account, agent, build, site, chat and key are there, and work."""
    person, agent = Person(other.url), trial.agent
    person.sign_in("ada")
    assert agent in [row["id"] for row in person.ask("GET", "/agents/")["agents"]]
    assert person.hashes(trial.build) == trial.person.hashes(trial.build)
    assert trial.answer in [row["content"] for row in person.ask("GET", f"/agents/{agent}/try/")["messages"]]
    assert person.answer(agent, "And who answers now?")
    assert person.ask("POST", f"/agents/{agent}/keys/openai/test/", {})["outcome"] == "valid"
    assert person.download_site(trial.deployment) == trial.person.download_site(trial.deployment)
    # What was built while the backup was made begins again.
    wait_until(lambda: all(row["status"] not in UNFINISHED for row in builds(person)))
    assert {row["status"] for row in builds(person)} == {"succeeded"}
    person.built(agent, "plugin", TARGET)


def test_a_forge_at_rest_is_frugal(trial: Trial) -> None:
    """Its first minutes are over: a server of PostgreSQL has much to tidy up after the tables are made."""
    box = trial.forge.box
    python, script = "/opt/agentforge/.venv/bin/python", "/opt/agentforge/tests/production/rest.py"
    # PostgreSQL counts transactions late.
    box.run(f"{python} {script} {CALM}")
    before = transactions(trial)
    used = json.loads(box.run(f"{python} {script} {CALM}"))
    used["transactions"] = (transactions(trial) - before) / CALM
    query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'forge'"
    wait_until(lambda: counted(trial, query) <= 12)
    print(f"\nAt rest: {used}, {counted(trial, query)} connections")


def test_an_upgrade_and_back(trial: Trial) -> None:
    page, box = trial.forge.page("upgrade"), trial.forge.box
    page.run(box, 2)
    trial.person.built(trial.agent, "plugin")
    page.run(box, COMMIT="HEAD~1")
    assert trial.person.answer(trial.agent, "Are you older?")


def test_one_unit_takes_less_memory(trial: Trial) -> None:
    box = trial.forge.box
    trial.forge.page("install").run(box)
    python, script = "/opt/agentforge/.venv/bin/python", "/opt/agentforge/tests/production/rest.py"
    used = json.loads(box.run(f"{python} {script} {CALM}"))
    print(f"\nAt rest, in one unit: {used}")
    assert used["megabytes"]["forge"] < 250
    assert trial.person.answer(trial.agent, "Are you one of many?")


def test_every_command_was_executed(trial: Trial) -> None:
    assert {name: page.left for name, page in trial.forge.pages.items() if page.left} == {}


def test_the_log_has_no_secrets(trial: Trial) -> None:
    log = trial.forge.box.log()
    values = [trial.forge.settings[name] for name in ("SECRET_KEY", "METRICS_TOKEN")]
    assert not [value for value in (*values, "choose-one", KEY, PASSWORD) if value in log]
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert {line["process"] for line in lines} >= {"web", "worker", "replies", "deployments", "checks"}
    acts = {line.get("event") for line in lines if line["logger"] == "agentforge.jobs"}
    assert acts >= {"started", "ended", "requeued"}


def transactions(trial: Trial) -> int:
    return counted(trial, "SELECT xact_commit FROM pg_stat_database WHERE datname = 'forge'")


def counted(trial: Trial, query: str) -> int:
    return int(trial.forge.box.run(f'runuser -u postgres -- psql -Atc "{query}"', directory="/"))


def kill(trial: Trial, name: str) -> None:
    trial.forge.box.run(f"systemctl kill --kill-who=main --signal=SIGKILL agentforge@{name}")


def builds(person: Person) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = person.ask("GET", "/builds/")["builds"]
    return rows
