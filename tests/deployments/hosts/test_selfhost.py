"""Deployments to an own server: a directory on the forge's disk and its archive, without an account."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.artifacts import storage
from builds.models import Artifact, Build, BuildTarget
from builds.operations import pruning
from builds.operations.pruning import Amount, Moment
from configs.keys.vault import save_key
from configs.models import AgentConfig
from configs.revisions import create_revision
from deployments import services
from deployments.accounts import host_accounts
from deployments.errors import NotPossible
from deployments.hosts.base import HostError
from deployments.hosts.registry import SELF_HOST
from deployments.hosts.selfhost import SelfHost
from deployments.hosts.selfhost.site_directory import SiteDirectory
from deployments.models import Deployment, Site
from deployments.run import stages, steps
from deployments.sites import lifecycle, polling
from tests.deployments.deployment_jobs import deploy
from tests.deployments.finished_builds import build_of
from tests.drivers.deployment_worker import WorkerProcess
from tests.drivers.planted_key import SECRET, files_below, places_of

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], None]
LOST_DIRECTORIES = "directories that no site has"


@pytest.fixture(autouse=True)
def directory(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the sites of this test."""
    monkeypatch.setattr(stages, "VERIFY_SECONDS", 0.5)
    settings.AGENTFORGE_SITES_DIR = tmp_path / "sites"
    return tmp_path / "sites"


def compiled(agent: AgentConfig, owner: User, marker: str = "one") -> Build:
    """Return a build with programs for both processors: scripts that print their name."""
    build = build_of(agent, owner, marker)
    for arch in ("amd64", "arm64"):
        data = f"#!/bin/sh\necho {arch} {marker} $@ $AGENT_ACCESS\n".encode()
        Artifact.objects.create(
            owner=owner,
            build=build,
            target=f"linux-{arch}",
            name="ada",
            sha256=storage.put(data),
            size=len(data),
        )
    return build


@pytest.fixture
def own(agent: AgentConfig, alice: User) -> Site:
    return lifecycle.create_site(agent, "ada", "", alice, host=SELF_HOST)


def place(site: Site) -> SiteDirectory:
    return SiteDirectory(site.owner_id, site.remote_id)


def shown(site: Site, path: str) -> str:
    return (place(site).live / path).read_text()


def test_a_deployment_is_what_the_link_shows(own: Site, agent: AgentConfig, alice: User, work: Work) -> None:
    done = deploy(own, compiled(agent, alice), alice, work)
    assert (done.status, done.error) == ("succeeded", "")
    assert done.is_live
    assert [step["name"] for step in done.steps] == list(steps.steps_of(SelfHost.kind))
    assert "Ada" in shown(own, "public/index.html")
    assert "default-src 'none'" in shown(own, "public/_headers")
    assert done.content_sha256 in shown(own, "public/agentforge.json")
    assert own.variables == ["AGENT_PASSWORD", "AGENT_STATE_KEY", "LOCAL_MODEL_URL"]
    started = subprocess.run(
        [place(own).live / "bin/agent", "--serve", "8080"], capture_output=True, text=True, check=True
    )
    assert started.stdout.startswith("amd64 one --serve 8080") or os.uname().machine != "x86_64"


def test_an_unchanged_site_stores_nothing(own: Site, agent: AgentConfig, alice: User, work: Work) -> None:
    build = compiled(agent, alice)
    first, second = (deploy(own, build, alice, work) for _ in range(2))
    assert first.uploaded_files == first.files
    assert (second.status, second.uploaded_files, second.uploaded_bytes) == ("succeeded", 0, 0)
    # One copy on the disk for both.
    keys = [each.remote_id.partition(".")[2] for each in (first, second)]
    assert (
        place(own)
        .tree(keys[0])
        .joinpath("public/index.html")
        .samefile(place(own).tree(keys[1]) / "public/index.html")
    )


def test_draft_promote_roll_back_and_delete(own: Site, agent: AgentConfig, alice: User, work: Work) -> None:
    first = deploy(own, compiled(agent, alice, "one"), alice, work)
    draft = deploy(own, compiled(agent, alice, "two"), alice, work, draft=True)
    assert draft.status == "succeeded"
    assert "one" in shown(own, "bin/agent-linux-amd64")
    services.publish(draft, alice)
    assert "two" in shown(own, "bin/agent-linux-amd64")
    services.publish(first, alice)
    assert "one" in shown(own, "bin/agent-linux-amd64")
    draft.refresh_from_db()
    contents = len(list(place(own).path.glob("contents/*")))
    services.delete(draft, alice)
    assert len(list(place(own).path.glob("contents/*"))) < contents
    assert "one" in shown(own, "bin/agent-linux-amd64")
    first.refresh_from_db()
    with pytest.raises(NotPossible, match="live on its site"):
        services.delete(first, alice)


def test_a_locked_site_and_one_that_was_changed_by_hand(
    own: Site, agent: AgentConfig, alice: User, work: Work
) -> None:
    first = deploy(own, compiled(agent, alice, "one"), alice, work)
    lifecycle.set_lock(own, alice, locked=True)
    assert deploy(own, compiled(agent, alice, "two"), alice, work).reason == "locked"
    lifecycle.set_lock(own, alice, locked=False)
    place(own).live.unlink()
    polling.refresh_site(own)
    own.refresh_from_db()
    first.refresh_from_db()
    assert (own.live_remote_id, first.is_live) == ("", False)
    services.publish(first, alice)
    page = place(own).live / "public/index.html"
    page.write_text("defaced")
    with pytest.raises(HostError, match="missing or changed"):
        services.publish(first, alice)
    # The next deployment does not reuse a changed file.
    again = deploy(own, compiled(agent, alice, "one"), alice, work)
    assert (again.status, again.uploaded_files) == ("succeeded", 1)


def test_a_directory_that_is_gone_is_told(own: Site, agent: AgentConfig, alice: User, work: Work) -> None:
    SelfHost(alice.pk).delete_site("ada")
    done = deploy(own, compiled(agent, alice), alice, work)
    assert (done.status, done.reason) == ("failed", "gone")
    assert "directory is gone" in done.error


def test_a_build_without_a_program(own: Site, agent: AgentConfig, alice: User, work: Work) -> None:
    done = deploy(own, build_of(agent, alice), alice, work)
    assert (done.status, done.reason) == ("failed", "no-program")


def test_no_key_leaves_the_vault(
    agent: AgentConfig, alice: User, work: Work, directory: Path, client_of: Callable[[User], Client]
) -> None:
    save_key(alice, "openai", SECRET)
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
    agent.refresh_from_db()
    site = lifecycle.create_site(agent, "ada", "", alice, host=SELF_HOST)
    lifecycle.change(site, lifecycle.Settings(access="password"), alice)
    done = deploy(site, compiled(agent, alice), alice, work)
    assert (done.status, done.error) == ("succeeded", "")
    example = shown(site, "agent.env.example")
    assert "\nOPENAI_API_KEY=\n" in example
    assert "\nAGENT_PASSWORD=\n" in example
    assert "AGENT_ACCESS=password" in shown(site, "agent.service")
    assert places_of(SECRET, files_below(directory)) == []
    archive = client_of(alice).get(reverse("deployments:archive", args=[done.pk]))
    packed = b"".join(archive)
    assert places_of(SECRET, [("the archive", packed)]) == []
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        modes = {member.name: member.mode for member in tar}
    assert modes["ada/bin/agent-linux-arm64"] == 0o755
    assert modes["ada/public/index.html"] == 0o644


def test_the_archive_is_the_same_bytes_each_time(
    own: Site, agent: AgentConfig, alice: User, work: Work, client_of: Callable[[User], Client]
) -> None:
    done = deploy(own, compiled(agent, alice), alice, work)
    url = reverse("deployments:archive", args=[done.pk])
    first, second = (b"".join(client_of(alice).get(url)) for _ in range(2))
    assert first == second
    SelfHost(alice.pk).delete_site("ada")
    page = client_of(alice).get(url, follow=True)
    assert "no longer on this machine" in page.content.decode()


def test_from_nothing_to_an_archive_without_an_account(
    agent: AgentConfig, alice: User, work: Work, client_of: Callable[[User], Client]
) -> None:
    browser = client_of(alice)
    tab = reverse("deployments:agent", args=[agent.pk])
    assert "Your own server" in browser.get(tab).content.decode()
    create = reverse("deployments:create_site", args=[agent.pk])
    browser.post(create, {"name": "ada", "host": SELF_HOST})
    page = browser.get(tab).content.decode()
    assert "Compile, then deploy" in page
    assert 'value="linux-arm64"' in page
    assert "Netlify account" not in page
    running = Build.objects.create(owner=alice, revision=create_revision(agent), targets=["linux-amd64"])
    BuildTarget.objects.create(owner=alice, build=running, target="linux-amd64")
    page = browser.get(tab).content.decode()
    assert f"Build {running.pk} for your own server is in progress" in page
    assert "Deploy when it is built" in page
    assert "Compile, then deploy" not in page
    refused = browser.post(create, {"name": "ada", "host": SELF_HOST})
    assert refused.status_code == 422
    assert "of this name already" in refused.content.decode()
    build = compiled(agent, alice)
    started = browser.post(reverse("deployments:start", args=[agent.pk]), {"build": build.pk})
    work()
    page = browser.get(started["Location"]).content.decode()
    assert "<strong>Ready to run</strong>" in page
    assert "site.tar.gz" in page
    assert "site.tar.gz" in browser.get(tab).content.decode()


def test_a_script_does_the_same(
    agent: AgentConfig, alice: User, work: Work, client_of: Callable[[User], Client]
) -> None:
    def ask(view: str, pk: int, **body: Any) -> Any:
        url = reverse(f"deployments:{view}", args=[pk])
        headers = {"accept": "application/json"}
        return client_of(alice).post(url, body, content_type="application/json", headers=headers)

    created = ask("create_site", agent.pk, name="ada", host=SELF_HOST)
    assert (created.status_code, created.json()["site"]["host"]) == (201, SELF_HOST)
    assert ask("create_site", agent.pk, name="x", host="elsewhere").status_code == 422
    started = ask("start", agent.pk, build=compiled(agent, alice).pk)
    work()
    pk = started.json()["deployment"]["id"]
    assert Deployment.objects.get(pk=pk).status == "succeeded"
    assert ask("site_lock", created.json()["site"]["id"]).json()["site"]["locked"] is True


def pruned(kind: str, moment: Moment, *, apply: bool = True) -> Amount:
    """Run one step of pruning: all tests share one directory."""
    total = Amount()
    for amount in pruning.steps()[kind](moment, apply):
        total.add(amount.rows, amount.files, amount.bytes)
    return total


def test_pruning_takes_directories_that_no_site_has(
    own: Site, agent: AgentConfig, alice: User, bob: User, work: Work, directory: Path
) -> None:
    done = deploy(own, compiled(agent, alice), alice, work)
    SelfHost(bob.pk).create_site("lost", "")
    agent.delete()
    later = Moment(timezone.now() + timedelta(days=1))
    assert pruned(LOST_DIRECTORIES, later, apply=False).files > done.files
    assert pruned("logs that no deployment has", later, apply=True).rows == 1
    assert place(own).path.exists()
    pruned(LOST_DIRECTORIES, later)
    assert list(directory.glob("*/*")) == []


def test_pruning_leaves_sites_that_are_there_or_new(own: Site, bob: User, directory: Path) -> None:
    SelfHost(bob.pk).create_site("lost", "")
    pruned(LOST_DIRECTORIES, Moment(timezone.now()))
    assert len(list(directory.glob("*/*"))) == 2
    pruned(LOST_DIRECTORIES, Moment(timezone.now() + timedelta(days=1)))
    assert [path.name for path in directory.glob("*/*")] == ["ada"]


def test_the_command_makes_a_site_and_writes_its_files(
    agent: AgentConfig, alice: User, tmp_path: Path
) -> None:
    compiled(agent, alice)
    with WorkerProcess():
        call_command("deploy_agent", str(agent.pk), "--self-hosted", "ada", "--out", str(tmp_path / "out"))
        call_command("deploy_agent", str(agent.pk), "--out", str(tmp_path / "ada.tar.gz"))
        with pytest.raises(CommandError, match="exists already"):
            call_command("deploy_agent", str(agent.pk), "--out", str(tmp_path / "out"))
    written = tmp_path / "out"
    assert os.access(written / "bin/agent", os.X_OK)
    with tarfile.open(tmp_path / "ada.tar.gz") as tar:
        names = {member.name.removeprefix("ada/") for member in tar}
    assert names == {str(path.relative_to(written)) for path in written.rglob("*") if path.is_file()}
    with pytest.raises(CommandError, match="deployed to ada already"):
        call_command("deploy_agent", str(agent.pk), "--self-hosted", "other")


def test_a_site_is_taken_up_again(agent: AgentConfig, alice: User, own: Site, netlify: Any) -> None:
    host_accounts.connect(alice, netlify.token)
    lifecycle.create_site(agent, "elsewhere", "team-one", alice)
    assert [site.name for site in lifecycle.unused_self_hosted(agent)] == ["ada"]
    again = lifecycle.choose_site(agent, "ada", alice, host=SELF_HOST)
    assert (again.host, again.deleted_at) == (SELF_HOST, None)
    assert lifecycle.unused_self_hosted(agent) == []
