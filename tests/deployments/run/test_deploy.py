"""A deployment from its job to the verification of its site."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.models import Build
from configs.keys.vault import save_key
from configs.models import AgentConfig, ApiKey, Revision
from deployments import services
from deployments.accounts import host_accounts
from deployments.models import Deployment, Site
from deployments.sites import lifecycle, polling
from tests.deployments.deployment_jobs import deploy
from tests.deployments.finished_builds import add_files, build_of
from tests.drivers.pages import shown
from tests.drivers.planted_key import SECRET, every_row, files_below, members, places_of
from tests.standins.netlify import NetlifyStandIn
from tests.standins.netlify.trouble import KINDS, Storm

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], None]


def text(deployment: Deployment) -> str:
    return "\n".join(str(record.get("text", "")) for _, record in streams.read(deployment.stream_name))


def test_a_production_deployment_goes_live(
    site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    done = deploy(site, build, alice, work)
    assert (done.status, done.error) == ("succeeded", "")
    assert netlify.state.sites[site.remote_id].published == done.remote_id == site.live_remote_id
    assert done.published_at is not None
    assert [step["state"] for step in done.steps] == ["done"] * 6
    variables = {key: value for (_, _, key), value in netlify.state.environment.items()}
    assert set(variables) == {"LOCAL_MODEL_URL", "AGENT_ACCESS", "AGENT_STATE_KEY"}
    assert all(variable["is_secret"] for variable in variables.values())
    records = [record for _, record in streams.read(done.stream_name)]
    assert records[-1]["kind"] == "end"
    sent = [record for record in records if record["kind"] == "progress"]
    assert sent[-1]["sent"] == sent[-1]["total"] == done.uploaded_bytes


def test_a_draft_does_not_go_live_until_it_is_promoted(
    site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    done = deploy(site, build, alice, work, draft=True)
    assert done.status == "succeeded"
    assert netlify.state.sites[site.remote_id].published == ""
    services.publish(done, alice)
    assert netlify.state.sites[site.remote_id].published == done.remote_id


def test_an_unchanged_site_is_deployed_without_an_upload(
    site: Site, build: Build, alice: User, work: Work
) -> None:
    first = deploy(site, build, alice, work)
    second = deploy(site, build, alice, work)
    assert first.content_sha256 == second.content_sha256
    assert (second.status, second.uploaded_bytes, second.uploaded_files) == ("succeeded", 0, 0)
    assert site.live_remote_id == second.remote_id


def test_roll_back(site: Site, agent: AgentConfig, alice: User, work: Work, netlify: NetlifyStandIn) -> None:
    first = deploy(site, build_of(agent, alice, "one"), alice, work)
    second = deploy(site, build_of(agent, alice, "two"), alice, work)
    assert second.is_live
    services.publish(first, alice)
    site.refresh_from_db()
    assert site.live_remote_id == first.remote_id == netlify.state.sites[site.remote_id].published


@pytest.mark.parametrize("draft", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_storm_ends_in_one_deploy(
    seed: int, draft: bool, site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    netlify.weather.storm = Storm(10 * seed + draft, 0.4)
    netlify.weather.reset_after = 0
    done = deploy(site, build, alice, work, draft=draft)
    assert (done.status, done.error) == ("succeeded", "")
    assert list(netlify.state.deploys) == [done.remote_id]
    assert netlify.state.deploys[done.remote_id].state == "ready"
    assert netlify.state.sites[site.remote_id].published == ("" if draft else done.remote_id)
    assert netlify.weather.seen


def test_hundreds_of_files_come_through_a_storm(
    site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    lifecycle.change(site, lifecycle.Settings(offers_download=True), alice)
    add_files(build, {f"part-{number:03}": f"part {number}".encode() for number in range(300)})
    netlify.weather.storm = Storm(1, 0.3)
    netlify.weather.reset_after = 0
    done = deploy(site, build, alice, work)
    assert (done.status, done.error) == ("succeeded", "")
    assert list(netlify.state.deploys) == [done.remote_id]
    assert netlify.state.sites[site.remote_id].published == done.remote_id
    live = netlify.state.deploys[done.remote_id]
    assert netlify.edge.content(live, "files/part-299") == b"part 299"
    assert done.files > 300
    # The bytes of failed uploads are not counted.
    assert done.uploaded_files == done.files
    sent = sum(map(len, [*netlify.state.contents.values(), *netlify.state.zips.values()]))
    assert done.uploaded_bytes == sent
    kinds = {kind for kind, line in netlify.weather.seen if line.startswith("PUT ")}
    assert kinds == set(KINDS)


def test_a_locked_site_is_left_alone(
    site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    first = deploy(site, build, alice, work)
    lifecycle.set_lock(site, alice, locked=True)
    second = deploy(site, build, alice, work)
    assert (second.status, second.reason) == ("failed", "locked")
    assert "Unlock the site" in second.error
    assert list(netlify.state.deploys) == [first.remote_id]
    lifecycle.set_lock(site, alice, locked=False)
    assert deploy(site, build, alice, work).status == "succeeded"


def test_a_failure_says_what_to_do_and_leaves_what_was_live(
    site: Site, agent: AgentConfig, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    first = deploy(site, build_of(agent, alice, "one"), alice, work)
    netlify.fails_with = "Deploy directory contains no files"
    second = deploy(site, build_of(agent, alice, "two"), alice, work)
    assert second.status == "failed"
    assert "no files" in second.error
    assert site.live_remote_id == first.remote_id == netlify.state.sites[site.remote_id].published


def test_a_token_that_was_revoked(
    site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    old, netlify.token = netlify.token, "nfp_another_one_by_now"
    done = deploy(site, build, alice, work)
    assert (done.status, done.reason) == ("failed", "token-refused")
    assert "Connect your Netlify account again" in done.error
    assert old not in text(done)


def test_a_site_that_was_deleted_there(
    site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    netlify.state.sites.clear()
    assert deploy(site, build, alice, work).reason == "gone"


def test_the_environment_has_its_limit(
    site: Site,
    build: Build,
    alice: User,
    work: Work,
    netlify: NetlifyStandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from deployments.sites import variables

    monkeypatch.setattr(variables, "MAX_BYTES", 100)
    done = deploy(site, build, alice, work)
    assert done.reason == "environment-too-large"
    assert not netlify.state.deploys
    assert not netlify.state.environment


def test_the_token_is_a_key_of_the_vault(site: Site, netlify: NetlifyStandIn) -> None:
    key = ApiKey.objects.get(provider="netlify")
    assert netlify.token.encode() not in bytes(key.ciphertext)
    assert key.status == "valid"


def test_drift_is_noticed(site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn) -> None:
    done = deploy(site, build, alice, work)
    somebody = netlify.state.add_deploy(netlify.state.sites[site.remote_id], "by hand")
    netlify.state.sites[site.remote_id].published = somebody.id
    polling.refresh_site(site)
    done.site.refresh_from_db()
    assert not done.is_live
    assert site.live_remote_id == somebody.id


def test_a_key_reaches_the_hosts_environment_and_no_other_place(
    agent: AgentConfig, alice: User, work: Work, netlify: NetlifyStandIn, settings: Settings
) -> None:
    save_key(alice, "openai", SECRET)
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
    agent.refresh_from_db()
    host_accounts.connect(alice, netlify.token)
    done = deploy(lifecycle.create_site(agent, "ada", "team-one", alice), build_of(agent, alice), alice, work)
    assert (done.status, done.error) == ("succeeded", "")
    variables = {key: value for (_, _, key), value in netlify.state.environment.items()}
    assert variables["OPENAI_API_KEY"]["is_secret"]
    assert places_of(SECRET, [("the variable", str(variables["OPENAI_API_KEY"]).encode())])
    places = [("the log", text(done).encode()), ("the database", every_row().encode())]
    for sha, content in {**netlify.state.contents, **netlify.state.zips}.items():
        places += [(sha, content), *members(sha, content)]
    assert len(places) > 5
    assert places_of(SECRET, [*places, *files_below(settings.VAR_DIR)]) == []
    assert places_of(netlify.token, [*places, *files_below(settings.VAR_DIR)]) == []


def test_a_forged_revision_gets_no_key_and_nothing_is_set(
    agent: AgentConfig, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    save_key(alice, "openai", SECRET)
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
    agent.refresh_from_db()
    host_accounts.connect(alice, netlify.token)
    build = build_of(agent, alice)
    forged = build.revision.canonical_json.replace('"OPENAI_BASE_URL"', '"NOT_SET"')
    digest = hashlib.sha256(forged.encode()).hexdigest()
    Revision.objects.filter(pk=build.revision_id).update(canonical_json=forged, sha256=digest)
    done = deploy(lifecycle.create_site(agent, "ada", "team-one", alice), build, alice, work)
    assert (done.status, done.reason) == ("failed", "key")
    assert done.error.endswith("No key was sent. Compile the agent again.")
    assert not netlify.state.environment
    assert not netlify.state.deploys


def test_a_reload_knows_how_far_it_is_and_what_is_waited_for(
    site: Site, build: Build, alice: User, client_of: Callable[[User], Client]
) -> None:
    deployment = services.enqueue(site, build, alice)
    sent = {"kind": "progress", "sent": 2000, "total": 8000, "files": 1, "of": 4, "rate": 1000, "left": 6.0}
    wait = {"kind": "wait", "words": "Netlify asks for patience", "until": 4_000_000_000.25}
    streams.publish(deployment.stream_name, sent, wait)
    page = shown(client_of(alice).get(deployment.get_absolute_url()))
    assert "1 of 4 files, 2.0 KB of 8.0 KB" in page
    assert 'data-said="Netlify asks for patience" data-until="4000000000.250"' in page
    streams.publish(deployment.stream_name, {"kind": "step", "name": "Upload", "state": "done"})
    assert "data-until" not in client_of(alice).get(deployment.get_absolute_url()).content.decode()
