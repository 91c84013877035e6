"""Deploy, list, show and roll back with the commands."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.models import Build
from configs.models import AgentConfig
from deployments import services
from deployments.models import Deployment, Site
from tests.drivers.build_stream import wait_for
from tests.standins.netlify import NetlifyStandIn

from .finished_builds import build_of

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], None]


def output_of(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_list_status_and_roll_back(
    site: Site, agent: AgentConfig, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    first, second = (services.enqueue(site, build_of(agent, alice, word), alice) for word in ("one", "two"))
    work()
    work()
    assert f"{second.pk:6}  succeeded  ada  revision 1 live" in output_of("deployments", "list")
    dry = output_of("deployments", "rollback", str(first.pk))
    assert f"would show deployment {first.pk}, revision 1, in place of revision 1. Nothing was done" in dry
    assert Deployment.objects.select_related("site").get(pk=second.pk).is_live
    output_of("deployments", "rollback", str(first.pk), "--yes")
    data = json.loads(output_of("deployments", "--json", "status", str(first.pk)))
    assert data["deployment"]["is_live"] is True
    assert data["site"]["live_remote_id"] == Deployment.objects.get(pk=first.pk).remote_id
    with pytest.raises(CommandError, match="There is no deployment 0"):
        output_of("deployments", "status", "0")


def test_deploy_follows_to_the_end(site: Site, agent: AgentConfig, build: Build, work: Work) -> None:
    enqueue = services.enqueue

    def enqueue_and_work(*args: object, **kwargs: object) -> Deployment:
        deployment: Deployment = enqueue(*args, **kwargs)  # type: ignore[arg-type]
        worker = threading.Thread(target=work)
        worker.start()
        wait_for(deployment.stream_name, lambda record: record["kind"] == "end")
        # It has replaced the queue's connector until it ends.
        worker.join()
        return deployment

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "enqueue", enqueue_and_work)
        output = output_of("deploy_agent", str(agent.pk))
    assert site.url in output
    assert "Put the site together" in output


def test_deploy_says_what_is_missing(agent: AgentConfig, site: Site) -> None:
    with pytest.raises(CommandError, match="no build of this agent with a program for Netlify"):
        output_of("deploy_agent", str(agent.pk))
    with pytest.raises(CommandError, match="There is no agent 0"):
        output_of("deploy_agent", "0")


def test_what_stands_where_the_files_would_go_is_said_before_anything_is_done(
    agent: AgentConfig, tmp_path: Path
) -> None:
    (taken := tmp_path / "ada.tar.gz").write_bytes(b"")
    for path in (taken, tmp_path):
        with pytest.raises(CommandError, match=r"exists already\. Nothing was deployed"):
            output_of("deploy_agent", str(agent.pk), "--self-hosted", "ada", "--out", str(path))
    assert not Site.objects.exists()


def test_a_name_that_no_site_can_have_is_explained(agent: AgentConfig) -> None:
    with pytest.raises(CommandError, match="letters, digits and hyphens"):
        output_of("deploy_agent", str(agent.pk), "--self-hosted", "../ada")


def test_status_says_what_the_site_shows_or_that_it_could_not_be_asked(
    site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn, settings: Settings
) -> None:
    deployment = services.enqueue(site, build, alice)
    work()
    output = output_of("deployments", "status", str(deployment.pk))
    assert f"shows deployment {deployment.pk}, revision 1." in output
    remote = netlify.state.sites[site.remote_id]
    remote.published = netlify.state.add_deploy(remote, "by hand").id
    output = output_of("deployments", "status", str(deployment.pk))
    assert "changed elsewhere since" in output
    assert "shows a deploy that was made outside of the forge" in output
    netlify.token = "nfp_another"
    out = StringIO()
    with pytest.raises(CommandError, match=r"is unknown\. Netlify refused the token \(401\)") as refused:
        call_command("deployments", "status", str(deployment.pk), "--json", stdout=out)
    assert refused.value.returncode == 1
    assert "refused the token" in json.loads(out.getvalue())["site"]["problem"]
    settings.AGENTFORGE_NETLIFY_URL = "http://127.0.0.1:9/api/v1"
    with pytest.raises(CommandError, match=r"127\.0\.0\.1 could not be reached"):
        output_of("deployments", "status", str(deployment.pk))
    with pytest.raises(CommandError, match=r"127\.0\.0\.1 could not be reached"):
        output_of("deployments", "rollback", str(deployment.pk), "--yes")


def test_a_roll_back_that_is_not_possible_is_refused_in_a_dry_run_too(
    site: Site, build: Build, alice: User
) -> None:
    deployment = services.enqueue(site, build, alice)
    with pytest.raises(CommandError, match="Only a deployment that succeeded"):
        output_of("deployments", "rollback", str(deployment.pk))


def test_a_list_is_narrowed_and_harms_no_terminal(site: Site, build: Build, alice: User) -> None:
    bad, good = services.enqueue(site, build, alice), services.enqueue(site, build, alice)
    Deployment.objects.filter(pk=bad.pk).update(status="failed", error="Netlify said \x1b]0;owned\x07 no")
    output = output_of("deployments", "list", "--status", "failed")
    assert "Netlify said  no" in output
    assert "\x1b" not in output
    assert f"{good.pk:6}" not in output
    rows = [json.loads(line) for line in output_of("deployments", "list", "--json").splitlines()]
    assert [row["deployment"]["id"] for row in rows] == [good.pk, bad.pk]
    assert output_of("deployments", "list", "--agent", str(site.agent_id + 1)) == ""
