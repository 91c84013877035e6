"""Deploy, list, look and roll back from a terminal."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from agentforge.accounts.models import User
from builds.models import Build
from configs.models import AgentConfig
from deployments import services
from deployments.models import Deployment, Site
from tests.builds.watching import wait_for
from tests.standins.netlify import NetlifyStandIn

from .stage import build_of

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], None]


def said(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_list_status_and_roll_back(
    site: Site, agent: AgentConfig, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    first, second = (services.enqueue(site, build_of(agent, alice, word), alice) for word in ("one", "two"))
    work()
    work()
    assert f"{second.pk:6}  succeeded  ada  revision 1 live" in said("deployments", "list")
    assert "Nothing was done" in said("deployments", "rollback", str(first.pk))
    said("deployments", "rollback", str(first.pk), "--yes")
    told = json.loads(said("deployments", "--json", "status", str(first.pk)))
    assert told["deployment"]["is_live"] is True
    assert told["site"]["live_remote_id"] == Deployment.objects.get(pk=first.pk).remote_id
    with pytest.raises(CommandError, match="There is no deployment 0"):
        said("deployments", "status", "0")


def test_deploy_follows_to_the_end(site: Site, agent: AgentConfig, build: Build, work: Work) -> None:
    enqueue = services.enqueue

    def enqueue_and_work(*args: object, **kwargs: object) -> Deployment:
        deployment: Deployment = enqueue(*args, **kwargs)  # type: ignore[arg-type]
        threading.Thread(target=work).start()
        wait_for(deployment.stream_name, lambda record: record["kind"] == "end")
        return deployment

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "enqueue", enqueue_and_work)
        told = said("deploy_agent", str(agent.pk))
    assert site.url in told
    assert "Put the site together" in told


def test_deploy_says_what_is_missing(agent: AgentConfig, site: Site) -> None:
    with pytest.raises(CommandError, match="holds the Netlify function"):
        said("deploy_agent", str(agent.pk))
    with pytest.raises(CommandError, match="There is no agent 0"):
        said("deploy_agent", "0")
