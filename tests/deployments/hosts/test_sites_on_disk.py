"""Sites on the forge's disk: what their host stores, refuses and completes."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings

from deployments.hosts.base import Entry, HostError, State
from deployments.hosts.contents import Data
from deployments.hosts.selfhost import SelfHost, deploys
from deployments.hosts.selfhost.site_directory import SiteDirectory


@pytest.fixture(autouse=True)
def directory(settings: Settings, tmp_path: Path) -> Path:
    """The directory of the sites of this test."""
    settings.AGENTFORGE_SITES_DIR = tmp_path / "sites"
    return tmp_path / "sites"


@pytest.fixture
def owner() -> UUID:
    return uuid4()


@pytest.fixture
def host(owner: UUID) -> SelfHost:
    """A host with one site."""
    host = SelfHost(owner)
    host.create_site("ada", "")
    return host


@pytest.fixture
def place(host: SelfHost, owner: UUID) -> SiteDirectory:
    return SiteDirectory(owner, "ada")


def test_what_was_cancelled_is_never_completed(host: SelfHost) -> None:
    entry = Entry("public/index.html", host.digest(Data(b"hello"), is_function=False), Data(b"hello"))
    deploy = host.create_deploy("ada", "one title", [entry], draft=False)
    assert (deploy.state, deploy.required) == (State.UPLOADING, frozenset({entry.digest}))
    host.cancel(deploy.id)
    # An upload in progress ends only now.
    host.upload(deploy.id, entry, lambda count: None)
    assert host.deploy("ada", deploy.id).state == State.FAILED
    assert host.site("ada").live_deploy == ""


def test_one_title_is_one_deploy_and_a_death_in_its_completion_is_made_good(
    host: SelfHost, place: SiteDirectory
) -> None:
    entry = Entry("public/agentforge.json", host.digest(Data(b"{}"), is_function=False), Data(b"{}"))
    deploy = host.create_deploy("ada", "one title", [entry], draft=False)
    assert host.create_deploy("ada", "one title", [entry], draft=False).id == deploy.id
    host.upload(deploy.id, entry, lambda count: None)
    # As left by a worker that died before the state was stored.
    key = deploy.id.partition(".")[2]
    stored = deploys.load(place, key)
    assert stored is not None
    deploys.complete(place, stored)
    place.tree(key).with_name("tree.new").mkdir()
    assert host.find_deploy("ada", "one title") is not None
    assert host.deploy("ada", deploy.id).state == State.READY
    assert host.site("ada").live_deploy == deploy.id


def test_other_bytes_than_announced_are_refused(host: SelfHost, place: SiteDirectory) -> None:
    entry = Entry("public/index.html", "0" * 64, Data(b"hello"))
    deploy = host.create_deploy("ada", "a title", [entry], draft=True)
    counts: list[int] = []
    with pytest.raises(HostError, match="different bytes than announced"):
        host.upload(deploy.id, entry, counts.append)
    assert sum(counts) == 0
    assert list(place.path.glob("contents/*")) == []


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", ""])
def test_no_path_leads_out(path: str, host: SelfHost) -> None:
    with pytest.raises(HostError, match="not a valid path"):
        host.create_deploy("ada", "a title", [Entry(path, "0" * 64, Data(b""))], draft=True)


@pytest.mark.parametrize("name", ["..", "../bob/ada", "a/b", "", "-a", "a\0b", ".live"])
def test_no_name_leads_to_another_directory(name: str, host: SelfHost) -> None:
    for act in (host.site, host.delete_site, lambda name: host.create_site(name, "")):
        with pytest.raises(HostError):
            act(name)
    for deploy_id in (f"{name}.{'0' * 24}", f"ada.{name}", "ada", "ada.../../x"):
        with pytest.raises(HostError):
            host.deploy("ada", deploy_id)


def test_somebody_elses_site_is_not_there(host: SelfHost) -> None:
    assert SelfHost(uuid4()).sites() == []
    with pytest.raises(HostError, match="gone"):
        SelfHost(uuid4()).site("ada")
